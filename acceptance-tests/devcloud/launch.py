#!/usr/bin/env python3
"""launch.py SERVICE CONFIG_DIRECTORY PORT: one OpenStack project as one process.

The API is served by waitress, with threads. The project's other services (conductor, scheduler, workers) run in
threads beside it: messages go over oslo.messaging's fake:// transport, which works only inside one process.
"""

import logging
import os
import shlex
import sys
import threading
import time
import traceback

STARTED = time.monotonic()
# Requests come in bursts when Terraform works on ten resources at a time, and Nova calls four other services.
THREADS = 8


def in_thread(run, name):
    """Run a service's own loop beside the API."""
    threading.Thread(target=run, name=name, daemon=True).start()


def keystone(config):
    from keystone.wsgi import api
    return api.application


def placement(config):
    from placement.wsgi import api
    return api.application


def glance(config):
    from glance.wsgi import api
    return api.application


def neutron(config):
    from neutron.wsgi import api
    in_thread(neutron_agent, 'agent')
    return api.application


def neutron_agent():
    """Keep the row of an Open vSwitch agent alive, so that ML2 binds ports although no agent runs."""
    import datetime
    import json
    import uuid

    import sqlalchemy as sa
    from oslo_config import cfg

    engine = sa.create_engine(cfg.CONF.database.connection)
    agents = sa.Table('agents', sa.MetaData(), autoload_with=engine)
    configurations = json.dumps({
        'bridge_mappings': {'physnet1': 'br-ex'},
        'tunnel_types': ['vxlan'],
        'tunneling_ip': '127.0.0.1',
        'integration_bridge': 'br-int',
        'datapath_type': 'system',
        'vhostuser_socket_dir': '',
        'ovs_capabilities': {'datapath_types': ['system'], 'iface_types': []},
    })
    while True:
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        try:
            with engine.begin() as connection:
                beat = agents.update().where(agents.c.host == 'devcloud').values(heartbeat_timestamp=now)
                if not connection.execute(beat).rowcount:
                    connection.execute(agents.insert().values(
                        id=str(uuid.uuid4()), agent_type='Open vSwitch agent', binary='neutron-openvswitch-agent',
                        topic='N/A', host='devcloud', admin_state_up=True, created_at=now, started_at=now,
                        heartbeat_timestamp=now, configurations=configurations, load=0))
        except sa.exc.SQLAlchemyError:
            logging.exception('the agent row was not written')
        time.sleep(20)


def cinder(config):
    from cinder import monkey_patch
    monkey_patch.patch()
    from cinder.wsgi import api

    import os_brick
    from cinder import service, utils
    from cinder.common import constants
    from oslo_config import cfg
    from oslo_privsep import priv_context

    conf = cfg.CONF
    conf.register_opt(cfg.StrOpt('cluster', default=None))
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(conf)
    workers = [service.Service.create(binary='cinder-scheduler')]
    for backend in conf.enabled_backends:
        workers.append(service.Service.create(
            host=f'{conf.host}@{backend}', service_name=backend, binary=constants.VOLUME_BINARY, coordination=True))
    for worker in workers:
        worker.start()
    return api.application


def nova(config):
    # Reads the configuration, sets up messaging and loads the paste pipeline, all on import.
    from nova.wsgi import osapi_compute

    import nova.conf
    import os_brick
    import os_vif
    from nova import context, objects, service, utils
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.objects import host_mapping
    from nova.scheduler import rpcapi as scheduler
    from oslo_privsep import priv_context
    from oslo_service import opts

    opts.register_service_opts(nova.conf.CONF)
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()
    objects.register_all()
    for binary, topic, other_topic in (
            ('nova-conductor', conductor.RPC_TOPIC, None),
            ('nova-scheduler', scheduler.RPC_TOPIC, None),
            ('nova-compute', compute.RPC_TOPIC, compute.RPC_TOPIC_ALT)):
        service.Service.create(binary=binary, topic=topic, topic_alt=other_topic).start()
    # Otherwise the one compute host is found minutes later, and servers have nowhere to go until then.
    host_mapping.discover_hosts(context.get_admin_context())
    return osapi_compute.application


def octavia(config):
    from octavia.wsgi import api

    from octavia.controller.queue.v2 import consumer
    from oslo_config import cfg

    in_thread(consumer.ConsumerService(0, cfg.CONF).run, 'worker')
    return api.application


def main():
    service, config, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.environ.update({
        'OS_KEYSTONE_CONFIG_DIR': config,
        'OS_PLACEMENT_CONFIG_DIR': config,
        'OS_GLANCE_CONFIG_DIR': config,
        'OS_NEUTRON_CONFIG_DIR': config,
        'OS_NEUTRON_CONFIG_FILES': 'neutron.conf',
        'OS_NOVA_CONFIG_DIR': config,
        'OS_NOVA_CONFIG_FILES': 'api-paste.ini;nova.conf',
        # Threads, not eventlet: green threads do not mix with waitress, nor with PyMySQL's sockets.
        'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true',
        'OS_CINDER_DISABLE_EVENTLET_PATCHING': 'true',
    })
    # Some projects read the command line when they are imported, and some look at the program's name.
    program = {'nova': 'nova-api', 'neutron': 'neutron-api', 'cinder': 'cinder-api'}.get(service, service)
    file = {'glance': 'glance-api'}.get(service, service)
    sys.argv = [program, '--config-file', os.path.join(config, file + '.conf')]
    application = globals()[service](config)

    import waitress
    # It warns of every queued request.
    logging.getLogger('waitress').setLevel(logging.ERROR)
    print(f'{service} listens on 127.0.0.1:{port} after {time.monotonic() - STARTED:.1f} s', flush=True)
    waitress.serve(application, host='127.0.0.1', port=port, threads=THREADS, ident=service,
                   connection_limit=500, channel_timeout=300)


if __name__ == '__main__':
    try:
        main()
    except BaseException:
        traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit(): threads of services that did start would keep the dead process alive.
        os._exit(1)

#!/usr/bin/env python3
"""launch.py SERVICE CONFIG_DIRECTORY PORT: one OpenStack project as one process.

The API is served by waitress, with threads. The project's other services (conductor, scheduler, workers) run in
threads beside it: messages go over oslo.messaging's fake:// transport, which works only inside one process.
"""

import fcntl
import inspect
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

    from neutron import policy
    # The first request does that otherwise, and one beside it finds no rules yet and is refused.
    policy.init()
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
    # nova and nova-unified are one compute host with two processes: whoever comes first makes it.
    with open(os.path.join(nova.conf.CONF.state_path, 'starting'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for binary, topic, other_topic in (
                ('nova-conductor', conductor.RPC_TOPIC, None),
                ('nova-scheduler', scheduler.RPC_TOPIC, None),
                ('nova-compute', compute.RPC_TOPIC, compute.RPC_TOPIC_ALT)):
            service.Service.create(binary=binary, topic=topic, topic_alt=other_topic).start()
        # Otherwise the host is found minutes later, and servers have nowhere to go until then.
        host_mapping.discover_hosts(context.get_admin_context())
    return osapi_compute.application


def octavia(config):
    # WSME parses the source of every type to keep its attributes in order, which is half of the start. By name will do.
    inspect.getsourcelines = no_source
    from octavia.wsgi import api

    from octavia.controller.queue.v2 import consumer
    from oslo_config import cfg

    in_thread(consumer.ConsumerService(0, cfg.CONF).run, 'worker')
    return api.application


def no_source(of):
    raise OSError('no source')


def swift(config, port):
    """Four servers on four ports, green threads for once: Swift knows no others."""
    from swift.common import utils
    utils.monkey_patch()
    utils.set_swift_dir(config)

    import eventlet
    import eventlet.wsgi
    from swift.common import storage_policy
    from swift.common.ring import RingBuilder
    from swift.common.wsgi import appconfig, loadapp
    from swift.container.updater import ContainerUpdater

    storage_policy.reload_storage_policies()
    files = {name: os.path.join(config, f'{name}-server.conf') for name in ('account', 'container', 'object', 'proxy')}
    servers = {name: appconfig(file) for name, file in files.items()}
    for name in ('account', 'container', 'object'):
        # Rings name ports, and ports may change: they are built at every start. Four partitions on one device are
        # always distributed alike.
        builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        builder.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(servers[name]['bind_port']),
                         'device': 'd1', 'weight': 1.0})
        builder.rebalance()
        builder.get_ring().save(os.path.join(config, f'{name}.ring.gz'))

    def update():
        # run_forever() would fork.
        updater = ContainerUpdater({
            **servers['container'], 'interval': '1',
            'recon_cache_path': os.path.join(os.path.dirname(servers['container']['devices']), 'recon')})
        while True:
            eventlet.sleep(1)
            try:
                updater.run_once()
            except Exception:
                logging.exception('the container updater failed')

    threads = [eventlet.spawn(update)]
    for name, server in servers.items():
        application = loadapp(files[name], global_conf={'log_name': server['log_name']})
        socket = eventlet.listen(('127.0.0.1', int(server['bind_port'])), backlog=128)
        threads.append(eventlet.spawn(eventlet.wsgi.server, socket, application, None, log_output=False,
                                      keepalive=True, capitalize_response_headers=False))
    announce('swift', port)
    for thread in threads:
        thread.wait()


def designate(config):
    from oslo_service import backend
    backend.init_backend(backend.BackendType.THREADING)
    from designate.wsgi import api

    from designate.central import service as central
    from designate.manage import pool
    from designate.mdns import service as mdns
    from designate.producer import service as producer
    from designate.worker import service as worker

    central.Service().start()
    # It sends a message to central, so it must run in this process, and after central has started.
    pool.PoolCommands().update(os.path.join(config, 'pools.yaml'), False)
    for module in (worker, mdns, producer):
        module.Service().start()
    return api.application


def manila(config):
    from manila import monkey_patch
    monkey_patch.patch()
    from manila.wsgi import api

    from manila import service
    from oslo_config import cfg

    conf = cfg.CONF
    workers = [service.Service.create(binary='manila-scheduler', coordination=True)]
    for backend in conf.enabled_share_backends:
        workers.append(service.Service.create(host=f'{conf.host}@{backend}', service_name=backend,
                                              binary='manila-share', coordination=True))
    workers.append(service.Service.create(binary='manila-data'))
    for worker in workers:
        worker.start()
    return api.application


def barbican(config):
    sys.argv = ['barbican-api']
    from paste import deploy
    return deploy.loadapp('config:' + os.path.join(config, 'barbican-api-paste.ini'))


def heat(config):
    from oslo_service import backend
    backend.init_backend(backend.BackendType.THREADING)
    from heat.wsgi import api

    from heat.common import config as heat_config
    from heat.engine import service as engine
    from heat.engine import template
    from heat.rpc import api as rpc
    from oslo_config import cfg

    heat_config.startup_sanity_check()
    template._get_template_extension_manager()
    engine.EngineService(cfg.CONF.host, rpc.ENGINE_TOPIC).start()
    return api.application


def gnocchi(config):
    from gnocchi.cli import api, metricd

    conf = api.prepare_service()
    for worker in (metricd.MetricProcessor(0, conf), metricd.MetricJanitor(0, conf)):
        in_thread(worker.run, worker.name)
    return api.app.load_app(conf)


def cloudkitty(config):
    import configparser
    import urllib.request

    parser = configparser.RawConfigParser(strict=False)
    parser.read(os.path.join(config, 'cloudkitty.conf'))
    influxdb = parser['storage_influxdb']
    # CloudKitty expects its database and does not make it.
    urllib.request.urlopen(f'http://{influxdb["host"]}:{influxdb["port"]}/query',
                           data=f'q=CREATE+DATABASE+{influxdb["database"]}'.encode(), timeout=30)
    from cloudkitty.wsgi import api

    from cloudkitty import orchestrator
    from cloudkitty.cli import storage

    storage.init_storage_backend()
    # In threads: the usual way to run them forks, and fake:// does not cross processes.
    for number, kind in enumerate((orchestrator.CloudKittyProcessor, orchestrator.CloudKittyReprocessor)):
        in_thread(kind(number).run, kind.__name__)
    return api.application


def announce(service, port):
    """For whoever reads the log."""
    print(f'{service} listens on 127.0.0.1:{port} after {time.monotonic() - STARTED:.1f} s', flush=True)


def main():
    # What follows a dash tells apart two processes of one project.
    service, config, port = sys.argv[1].partition('-')[0], sys.argv[2], int(sys.argv[3])
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
        'OS_MANILA_DISABLE_EVENTLET_PATCHING': 'true',
        'OS_DESIGNATE_CONFIG_DIR': config,
    })
    if service == 'swift':
        swift(config, port)
        return
    # Some projects read the command line when they are imported, and some look at the program's name.
    program = {'nova': 'nova-api', 'neutron': 'neutron-api', 'cinder': 'cinder-api'}.get(service, service)
    file = {'glance': 'glance-api'}.get(service, service)
    sys.argv = [program, '--config-file', os.path.join(config, file + '.conf')]
    application = globals()[service](config)

    import waitress
    # It warns of every queued request.
    logging.getLogger('waitress').setLevel(logging.ERROR)
    announce(service, port)
    # Keystone 30 keeps the token of a request on middleware that all threads share (AuthContextMiddleware): with two
    # threads, a request may pass with the token of another.
    threads = 1 if service == 'keystone' else THREADS
    waitress.serve(application, host='127.0.0.1', port=port, threads=threads, ident=service,
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

#!/usr/bin/env python3
"""seed.py identity|resources: what a cloud holds before anybody uses it, told by a JSON document on standard input.

Only adds and corrects, so that it can run at every start. Talks plain HTTP: importing the client libraries takes
longer than all of its requests.
"""

import json
import sys
import urllib.error
import urllib.request

CLOUD = json.load(sys.stdin)
ADMIN_PROJECT = {'project': {'name': 'admin', 'domain': {'id': 'default'}}}
# Beyond admin, manager, member, reader and service, which Keystone's bootstrap makes.
ROLES = ['creator', 'heat_stack_owner', 'heat_stack_user', 'key-manager:service-admin', 'rating', 'ResellerAdmin',
         'swiftoperator']
# Glance and the second Nova take their quotas from Keystone. Of a resource without a registered limit nobody gets any:
# Nova answers 403 and Glance 413.
REGISTERED_LIMITS = {
    'compute': {'servers': 10, 'class:VCPU': 20, 'class:MEMORY_MB': 51200, 'class:DISK_GB': 1000,
                'server_key_pairs': 100, 'server_groups': 10, 'server_group_members': 10,
                'server_metadata_items': 128},
    'image': {'image_size_total': 10000, 'image_stage_total': 10000, 'image_count_total': 100,
              'image_count_uploading': 100},
}


class Api:
    """One service's API with one token."""

    def __init__(self, url, token=None, **headers):
        self.url = url
        self.headers = {'Content-Type': 'application/json', **headers}
        if token:
            self.headers['X-Auth-Token'] = token

    def send(self, method, path, body=None, **headers):
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, method=method, data=data, headers={**self.headers, **headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
                return answer.headers, json.loads(content) if content[:1] in (b'{', b'[') else None
        except urllib.error.HTTPError as error:
            sys.exit(f'{method} {self.url}{path} answered {error.code}: {error.read().decode(errors="replace")}')

    def get(self, path):
        return self.send('GET', path)[1]

    def ensure(self, singular, plural, match, known=None, method='PATCH', **fields):
        """The object that matches, made if there is none, corrected where a readable field differs."""
        path = '/' + plural
        for found in self.get(path)[plural] if known is None else known:
            if all(found.get(key) == value for key, value in match.items()):
                wrong = {key: value for key, value in fields.items() if key in found and found[key] != value}
                if wrong:
                    self.send(method, f'{path}/{found["id"]}', {singular: wrong})
                return found
        return self.send('POST', path, {singular: {**match, **fields}})[1][singular]


def login(scope):
    """A token of the admin that Keystone's bootstrap made, and what it says."""
    user = {'name': 'admin', 'domain': {'id': 'default'}, 'password': CLOUD['password']}
    identity = {'methods': ['password'], 'password': {'user': user}}
    headers, body = Api(CLOUD['keystone']).send(
        'POST', '/auth/tokens?nocatalog', {'auth': {'identity': identity, 'scope': scope}})
    return headers['X-Subject-Token'], body['token']


def identity():
    """Users and roles, and a catalog that names the services of this cloud and no others."""
    token, me = login(ADMIN_PROJECT)
    keystone = Api(CLOUD['keystone'], token)
    roles = {role['name']: role['id'] for role in keystone.get('/roles')['roles']}
    for name in ROLES:
        if name not in roles:
            roles[name] = keystone.ensure('role', 'roles', {'name': name})['id']

    project = keystone.ensure('project', 'projects', {'name': 'service', 'domain_id': 'default'})
    user = keystone.ensure('user', 'users', {'name': 'devcloud-service', 'domain_id': 'default'},
                           password=CLOUD['password'])
    # Cinder asks for both: admin to act, service to vouch for a user's token. Swift's quotas want ResellerAdmin.
    # Not "rating": CloudKitty would process this project a month back, period by period.
    for role in ('admin', 'service', 'ResellerAdmin'):
        keystone.send('PUT', f'/projects/{project["id"]}/users/{user["id"]}/roles/{roles[role]}')
    # For Swift, the administrator of one project is nobody in another.
    keystone.send('PUT', f'/projects/{me["project"]["id"]}/users/{me["user"]["id"]}/roles/{roles["ResellerAdmin"]}')
    keystone.send('PUT', f'/system/users/{user["id"]}/roles/{roles["admin"]}')

    services = {(known['type'], known['name']): known for known in keystone.get('/services')['services']}
    endpoints = keystone.get('/endpoints')['endpoints']
    limits = {(known['service_id'], known['resource_name'])
              for known in keystone.get('/registered_limits')['registered_limits']}
    missing = []
    for entry in CLOUD['catalog']:
        known = services.get((entry['type'], entry['name']))
        if not entry['enabled']:
            # Switched off, not deleted: limits may hang on it, and it may come back.
            if known and known['enabled']:
                keystone.send('PATCH', f'/services/{known["id"]}', {'service': {'enabled': False}})
            continue
        service = keystone.ensure('service', 'services', {'type': entry['type'], 'name': entry['name']},
                                  known=services.values(), enabled=True)
        for interface in ('public', 'internal', 'admin'):
            keystone.ensure('endpoint', 'endpoints',
                            {'service_id': service['id'], 'interface': interface, 'region_id': CLOUD['region']},
                            known=endpoints, url=entry['url'])
        for name, limit in REGISTERED_LIMITS.get(entry['type'], {}).items():
            if (service['id'], name) not in limits:
                missing.append({'service_id': service['id'], 'resource_name': name, 'default_limit': limit,
                                'region_id': CLOUD['region']})
    if missing:
        keystone.send('POST', '/registered_limits', {'registered_limits': missing})

    if 'orchestration' in enabled():
        # Heat keeps the users that its stacks make in a domain of their own.
        domain = keystone.ensure('domain', 'domains', {'name': 'heat'})
        admin = keystone.ensure('user', 'users', {'name': 'heat-domain-admin', 'domain_id': domain['id']},
                                password=CLOUD['password'])
        keystone.send('PUT', f'/domains/{domain["id"]}/users/{admin["id"]}/roles/{roles["admin"]}')

    if CLOUD['oidc_issuer']:
        federation(keystone)


def federation(keystone):
    """What turns the claims of the OpenID Connect provider into a user with groups and a project."""
    # Not "federated": Keystone keeps that name for itself, and answers 500.
    domain = keystone.ensure('domain', 'domains', {'name': 'partners'})
    for group in ('astro', 'hep', 'bio', 'robots'):
        keystone.ensure('group', 'groups', {'name': group, 'domain_id': domain['id']})
    keystone.ensure('project', 'projects', {'name': 'partners', 'domain_id': domain['id']})
    named = {'name': 'partners'}
    rules = [{
        'local': [
            {'user': {'name': '{0}', 'email': '{1}', 'domain': named}},
            {'groups': '{2}', 'domain': named},
            # No domain in here: Keystone answers 400. It takes the identity provider's.
            {'projects': [{'name': 'partners', 'roles': [{'name': 'member'}]}]},
        ],
        'remote': [
            {'type': 'HTTP_OIDC_SUB'},
            {'type': 'HTTP_OIDC_EMAIL'},
            {'type': 'HTTP_OIDC_GROUPS'},
            {'type': 'HTTP_OIDC_ISS', 'any_one_of': [CLOUD['oidc_issuer']]},
        ],
    }]
    # These have ids that their maker chooses, so they are put, or patched where they are.
    for path, singular, fields in (
            ('/OS-FEDERATION/identity_providers/devidp', 'identity_provider',
             {'enabled': True, 'remote_ids': [CLOUD['oidc_issuer']], 'domain_id': domain['id']}),
            ('/OS-FEDERATION/mappings/devmap', 'mapping', {'rules': rules}),
            ('/OS-FEDERATION/identity_providers/devidp/protocols/openid', 'protocol', {'mapping_id': 'devmap'})):
        collection, _, identifier = path.rpartition('/')
        plural = collection.rpartition('/')[2]
        if any(known['id'] == identifier for known in keystone.get(collection)[plural]):
            fields.pop('domain_id', None)
            keystone.send('PATCH', path, {singular: fields})
        else:
            keystone.send('PUT', path, {singular: fields})


def enabled():
    """Type of service -> its URL, for what this cloud runs."""
    return {entry['type']: entry['url'] for entry in CLOUD['catalog'] if entry['enabled']}


def resources():
    """What servers, routers, floating IPs and load balancers need: a flavor, an image and an external network."""
    token, _ = login(ADMIN_PROJECT)
    urls = enabled()
    if 'compute' in urls:
        nova = Api(urls['compute'], token)
        # Flavors have no PATCH; this one never changes.
        nova.ensure('flavor', 'flavors', {'name': 'm1.tiny'}, ram=64, vcpus=1, disk=1)
    if 'image' in urls:
        image(Api(urls['image'] + '/v2', token))
    if 'network' in urls:
        neutron = Api(urls['network'] + '/v2.0', token)
        network = neutron.ensure('network', 'networks', {'name': 'external', 'router:external': True}, method='PUT',
                                 **{'provider:network_type': 'flat', 'provider:physical_network': 'physnet1'})
        neutron.ensure('subnet', 'subnets', {'name': 'external', 'network_id': network['id']}, method='PUT',
                       ip_version=4, cidr='203.0.113.0/24', enable_dhcp=False)
    if 'sharev2' in urls:
        # Without a share type no share can be made.
        manila = Api(urls['sharev2'], token, **{'X-OpenStack-Manila-API-Version': '2.60'})
        if not any(known['name'] == 'default' for known in manila.get('/types')['share_types']):
            manila.send('POST', '/types', {'share_type': {
                'name': 'default', 'extra_specs': {'driver_handles_share_servers': 'False'}}})


def image(glance):
    """A megabyte that a fake hypervisor takes for a disk."""
    found = glance.get('/images?name=cirros-like')['images']
    # An upload that was cut off leaves an image that never becomes active.
    for half in (known for known in found if known['status'] != 'active'):
        glance.send('DELETE', f'/images/{half["id"]}')
    if any(known['status'] == 'active' for known in found):
        return
    made = glance.send('POST', '/images', {'name': 'cirros-like', 'disk_format': 'raw', 'container_format': 'bare',
                                           'visibility': 'public', 'min_disk': 1})[1]
    glance.send('PUT', f'/images/{made["id"]}/file', bytes(2 ** 20), **{'Content-Type': 'application/octet-stream'})


{'identity': identity, 'resources': resources}[sys.argv[1]]()

// provider.mjs PORT KEY NODE_MODULES: an OpenID Connect provider with three users' worth of everything.
//
// It knows the grants that a program can use: a user's password, and a client's own credentials. Its access tokens are
// signed JWTs that carry the user's groups, so that Apache can check them without asking back.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, keyFile, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Provider, errors } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const RESOURCE = 'urn:keystone';
const users = {
  alice: { groups: ['astro', 'hep'], email: 'alice@example.org' },
  bob: { groups: ['bio'], email: 'bob@example.org' },
};
const resourceServer = {
  scope: 'openid profile email',
  audience: 'keystone',
  accessTokenTTL: 3600,
  accessTokenFormat: 'jwt',
  jwt: { sign: { alg: 'RS256' } },
};
const key = createPrivateKey(readFileSync(keyFile)).export({ format: 'jwk' });
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'keystone',
    client_secret: 'secret',
    grant_types: ['client_credentials', 'password'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  jwks: { keys: [{ ...key, alg: 'RS256', use: 'sig', kid: 'k1' }] },
  scopes: ['openid', 'profile', 'email'],
  findAccount: (_, id) => users[id] && { accountId: id, claims: () => ({ sub: id, ...users[id] }) },
  extraTokenClaims: (_, token) => ({
    ...(users[token.accountId] ?? { groups: ['robots'], email: `${token.clientId}@clients` }),
    preferred_username: token.accountId ?? token.clientId,
  }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => resourceServer,
    },
  },
});

provider.registerGrantType('password', async (context) => {
  const { username, password, scope = 'openid' } = context.oidc.params;
  if (!users[username] || password !== `pw-${username}`) {
    throw new errors.InvalidGrant('unknown user or wrong password');
  }
  const { client } = context.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: username });
  grant.addResourceScope(RESOURCE, scope);
  const token = new provider.AccessToken({
    client, accountId: username, grantId: await grant.save(), gty: 'password', scope,
  });
  token.resourceServer = new provider.ResourceServer(RESOURCE, resourceServer);
  context.body = {
    access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer', scope,
  };
}, ['username', 'password', 'scope'], []);

provider.on('server_error', (context, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1', () => console.log(`listens at ${issuer}`));

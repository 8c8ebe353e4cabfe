// provider.mjs PORT SECRET KEY NODE_MODULES: an OpenID Connect provider, or rather as many as anybody wants.
//
// Every path is an issuer of its own: http://127.0.0.1:PORT, http://127.0.0.1:PORT/acme, ... And everybody is known:
// somebody's password is `pw-` and the name, and whoever asks for a token says in `extra_claims`, a JSON object, what it
// is to tell of the user. It knows the grants that a program can use: a user's password, and a client's own
// credentials. Its access tokens are signed JWTs, so that Apache can check them without asking back.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, secret, keyFile, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Provider, errors } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const RESOURCE = 'urn:keystone';
// Of whom something is known that nobody has to say.
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
// One key for all issuers: Apache has its certificate.
const key = createPrivateKey(readFileSync(keyFile)).export({ format: 'jwk' });
const root = `http://127.0.0.1:${port}`;

function extraClaims(context) {
  const { extra_claims: text = '{}' } = context.oidc.params ?? {};
  try {
    return JSON.parse(text);
  } catch {
    throw new errors.InvalidRequest('extra_claims is not JSON');
  }
}

function start(issuer) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'keystone',
      client_secret: secret,
      grant_types: ['client_credentials', 'password'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    }],
    jwks: { keys: [{ ...key, alg: 'RS256', use: 'sig', kid: 'k1' }] },
    scopes: ['openid', 'profile', 'email'],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...users[id] }) }),
    extraTokenClaims: (context, token) => ({
      ...(token.accountId ? users[token.accountId] : { groups: ['robots'], email: `${token.clientId}@clients` }),
      preferred_username: token.accountId ?? token.clientId,
      ...extraClaims(context),
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
    if (!username || password !== `pw-${username}`) {
      throw new errors.InvalidGrant('wrong password');
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
  }, ['username', 'password', 'scope', 'extra_claims'], []);
  provider.on('server_error', (context, error) => console.error(error));
  return provider.callback();
}

const issuers = new Map();
createServer((request, response) => {
  const path = request.url.match(/^(.*?)\/(?:\.well-known\/openid-configuration|token|jwks)(?:\?|$)/)?.[1] ?? '';
  if (!issuers.has(path)) issuers.set(path, start(root + path));
  // From the difference of the two the provider sees what its links begin with.
  request.originalUrl = request.url;
  request.url = request.url.slice(path.length);
  issuers.get(path)(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log(`listens at ${root}`));

import { X509Certificate } from 'node:crypto';
import { api, isStarlingError, StarlingError } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database } from '../db/index.ts';
import type { DesiredStates } from '../desired-state/index.ts';
import type { DeviceAccess } from '../devices/index.ts';
import type { Clock, Log } from '../ports.ts';
import type { AuthorityRotation } from '../tls/index.ts';
import type { Keyring } from '../trust/index.ts';
import { type ApiApp, route } from './route.ts';

export interface DeviceAccessPorts {
  access: DeviceAccess;
  keyring: Keyring;
  desiredStates: DesiredStates;
  log: Log;
  /** Addresses of the broker for a device that came by this address, best first. */
  brokerUrls(cameBy: URL): string[];
  /** Below which a device has its topics. */
  topicRootOf(device: string): string;
  /** PEM of the own authority. */
  authority: string | undefined;
  /** Undefined with given certificates. */
  rotation: AuthorityRotation | undefined;
  db: Database;
  clock: Clock;
}

/** The few routes that a device uses before it speaks MQTT. */
export function deviceAccessRoutes(
  app: ApiApp,
  { access, keyring, desiredStates, log, brokerUrls, topicRootOf, authority, rotation, db, clock }: DeviceAccessPorts,
): void {
  route(app, api.enrol, async ({ body }) => {
    const { device, status, release } = await access.enrol(body.secret, body.claim);
    if (release !== null && (await desiredStates.view(device)) === null) {
      // The device is in either way; an operator sees why it got no release.
      await desiredStates.assign(device, release, { name: 'claim token' }).catch((error: unknown) => {
        if (!isStarlingError(error)) throw error;
        log.warn({ device, release, code: error.code, reason: error.message }, 'the release of the claim token could not be assigned');
      });
    }
    return { device, status, fleetId: keyring.fleetId, roots: await keyring.roots(1) };
  });
  route(app, api.loginNonce, async () => ({ ...(await access.nonce()), rootVersion: keyring.signedRoot().version }));
  route(app, api.deviceLogin, async ({ body, context }) => {
    const { device, password, expiresAtMs } = await access.login(body.claim);
    return {
      username: device,
      password,
      expiresAtMs,
      brokers: brokerUrls(new URL(context.req.url)),
      topicRoot: topicRootOf(device),
      rootVersion: keyring.signedRoot().version,
    };
  });
  route(app, api.deviceRekey, ({ body }) => access.rekey(body.claim, body.proof));
  route(app, api.listRoots, async ({ query }) => ({ roots: await keyring.roots(query.from) }));
  route(app, api.publishRoot, ({ body, actor }) => keyring.publishRoot(body.signed, actor, body));
  route(app, api.fleetKey, () => ({ fleetId: keyring.fleetId, key: keyring.fleetKey }));
  route(app, api.prepareFleetKey, async ({ actor }) => ({ fleetId: keyring.fleetId, key: await keyring.prepareKey(actor) }));
  route(app, api.listAuthorities, async () => ({ authorities: (await rotation?.list()) ?? [] }));
  route(app, api.prepareAuthority, async ({ actor }) => {
    if (rotation === undefined) {
      throw new StarlingError('given-certificate', 'the certificate of this fleet is given by files, so the fleet has no authority', {
        hint: 'have the authority that has signed it sign another, and start the fleet with that',
      });
    }
    const { digest, certificate } = await rotation.prepare();
    await appendAudit(db, clock, actor, 'authority.prepare', digest);
    const current = (await rotation.list()).find(({ state }) => state === 'now');
    return { digest, certificate, current: current?.digest ?? digest };
  });
  app.get('/trust/ca.pem', (context) =>
    authority === undefined ? context.notFound() : context.body(authority, 200, { 'content-type': 'application/x-pem-file' }),
  );
  // The form and type in which phones offer to install it.
  app.get('/trust/ca.crt', (context) =>
    authority === undefined
      ? context.notFound()
      : context.body(new Uint8Array(new X509Certificate(authority).raw), 200, { 'content-type': 'application/x-x509-ca-cert' }),
  );
}

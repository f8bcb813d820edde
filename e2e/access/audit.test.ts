import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  API_BASE,
  type AuditEntry,
  api,
  type BuildMethod,
  buildRecipeSchema,
  changesSomething,
  type Endpoint,
  type EndpointName,
  generatePrivateKey,
  parseClaimToken,
  policiesSchema,
  signDocument,
  signerOf,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, createCaller, signIn } from '../harness/browser-session.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { createOperator, makeApiToken, type Operator } from '../harness/operator.ts';
import { type FleetProcess, startFleetProcess } from '../harness/processes.ts';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { findBoxes, mapCard, mapModel } from '../harness/small-models.ts';
import { answerCommands } from './answer-commands.ts';
import { experimentDrives } from './audit-experiments.ts';
import { type Drive, groupDrives } from './audit-groups.ts';
import { accountDrives, trustDrives } from './audit-trust.ts';

/** The endpoints that change something: each has its line below, or this does not compile. */
type Change = {
  [Name in EndpointName]: (typeof api)[Name] extends { method: 'get' } | { changes: false } ? never : Name;
}[EndpointName];

const keys = { root: await generatePrivateKey(), publisher: await generatePrivateKey() };
const recipe = (method: BuildMethod) => buildRecipeSchema.parse({ method });
const file = writeOnnx(mapModel(3, { width: 64, layers: 1 }));

let folder: string;
let fleet: FleetProcess;
let operator: Operator;
let device: ProtocolDevice;
let session: Session;
/** What earlier lines have made. */
const made = {
  upload: '',
  model: '',
  release: '',
  claim: '',
  claimId: '',
  build: '',
  tap: '',
  command: '',
  batch: '',
  user: '',
  password: '',
  token: '',
  agent: {},
};
let person: Caller;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-audit-'));
  fleet = await startFleetProcess({ dataDirectory: join(folder, 'fleet'), flags: { 'build-methods': 'source', 'log-level': 'warn' } });
  const { addresses, firstLogin } = fleet.ready;
  const token = await makeApiToken(addresses.http, firstLogin ?? expect.unreachable(), 'auditor');
  operator = createOperator({ baseUrl: addresses.http, token, keys });
  device = await createProtocolDevice(addresses.http);
});
afterAll(async () => {
  await session?.end();
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const call: Operator['client']['call'] = (endpoint, options) => operator.client.call(endpoint, options);
const sign = async (kind: 'model-version', document: unknown) => signDocument(await signerOf(keys.publisher), kind, document);
const build = async (method: BuildMethod) => call(api.addBuild, { params: { digest: made.model }, body: { recipe: recipe(method) } });

/** In the order of a fleet's first day. */
const drives: Record<Change, Drive> = {
  publishRoot: {
    action: 'root.publish',
    run: async () => {
      await operator.publishRoot({ nowMs: Date.now(), lifeMs: 86_400_000, demo: true });
      return 'root 1';
    },
  },
  upload: {
    action: 'file.upload',
    run: async () => {
      made.upload = (await call(api.upload, { raw: file, query: { kind: 'model' } })).manifest;
      return made.upload;
    },
  },
  createModel: {
    action: 'model.push',
    run: async () => {
      const draft = { name: 'map', version: '1.0.0', upload: made.upload, card: mapCard };
      const { document } = await call(api.draftModel, { body: draft });
      made.model = (await call(api.createModel, { body: { signed: await sign('model-version', document) } })).digest;
      await operator.waitForBuilds(made.model);
      return 'map@1.0.0';
    },
  },
  createPipeline: {
    action: 'pipeline.push',
    run: async () => {
      const { name, version } = await operator.pushPipeline(findBoxes);
      return `${name}@${version}`;
    },
  },
  createRelease: {
    action: 'release.create',
    run: async () => {
      const policies = policiesSchema.parse({ egress: { outputs: ['boxes'], edges: [], sinks: [] } });
      const { digest, name } = await operator.createRelease({ name: 'boxes-1', pipeline: findBoxes.name, policies });
      made.release = digest;
      return name;
    },
  },
  createClaimToken: {
    action: 'claim-token.create',
    run: async () => {
      const { text, token } = await call(api.createClaimToken, { body: { name: 'gate', uses: 1, requireApproval: true } });
      made.claim = text;
      made.claimId = token.id;
      return 'gate';
    },
  },
  enrol: {
    action: 'device.enrol',
    who: () => `device ${device.id}`,
    run: async () => {
      await device.enrol(parseClaimToken(made.claim) ?? expect.unreachable());
      return device.id;
    },
  },
  approveDevice: { action: 'device.approve', run: async () => (await call(api.approveDevice, { params: { id: device.id } })).id },
  changeDevice: {
    action: 'device.change',
    run: async () => (await call(api.changeDevice, { params: { id: device.id }, body: { name: 'gate 3' } })).id,
  },
  ...groupDrives(call, () => device),
  ...trustDrives(call, () => device),
  assignDevice: {
    action: 'device.assign',
    run: async () => (await call(api.assignDevice, { params: { id: device.id }, body: { release: made.release } })).id,
  },
  addBuild: {
    action: 'build.add',
    run: async () => {
      await build('weights-int8');
      await operator.waitForBuilds(made.model);
      return 'map@1.0.0';
    },
  },
  setObjective: {
    action: 'release.objective',
    run: async () => {
      const objective = { minimise: 'size' as const, accuracyLossPointsMaximum: 100 };
      await call(api.setObjective, { params: { digest: made.release }, body: { objective } });
      return 'boxes-1';
    },
  },
  requestMeasuring: {
    action: 'measuring.request',
    run: async () => {
      const { items } = await call(api.requestMeasuring, { params: { digest: made.model }, body: { devices: 1 } });
      expect(items).toMatchObject([{ devices: 1, requestedBy: expect.any(String) }]);
      return 'map@1.0.0';
    },
  },
  putAnalysisTemplate: {
    action: 'analysis-template.put',
    run: async () => {
      const spec = { objectives: [{ name: 'errors', measure: 'error-rate' as const, atMost: '1 %' }] };
      const { name, changedBy } = await call(api.putAnalysisTemplate, { params: { name: 'steady' }, body: { spec } });
      expect(changedBy).not.toBe('');
      return name;
    },
  },
  removeAnalysisTemplate: {
    action: 'analysis-template.remove',
    run: async () => {
      await call(api.removeAnalysisTemplate, { params: { name: 'steady' } });
      return 'steady';
    },
  },
  withdrawMeasuring: {
    action: 'measuring.withdraw',
    run: async () => {
      await call(api.withdrawMeasuring, { params: { digest: made.model } });
      expect(await call(api.listMeasuringRequests, { params: { digest: made.model } })).toEqual({ items: [] });
      return 'map@1.0.0';
    },
  },
  applyProposals: {
    action: 'device.assign',
    run: async () => {
      expect(await call(api.applyProposals, { body: {} })).toEqual({ changed: 1 });
      return device.id;
    },
  },
  createRollout: {
    action: 'rollout.create',
    run: async () => {
      // It starts tomorrow: until then nothing is given to a device, which would be an entry of its own.
      const startAt = new Date(Date.now() + 86_400_000).toISOString();
      const { name } = await call(api.createRollout, {
        body: { spec: { name: 'all', release: 'boxes-1', selector: 'true', startAt }, all: true },
      });
      return name;
    },
  },
  actOnRollout: {
    action: 'rollout.pause',
    run: async () => (await call(api.actOnRollout, { params: { id: 'all' }, body: { action: 'pause' } })).name,
  },
  stopAllRollouts: { action: 'rollout.stop', run: async () => (await call(api.stopAllRollouts, { body: {} })).stopped.join(' ') },
  ...experimentDrives(call, () => ({ operator, device: device.id, release: made.release })),
  cancelBuild: {
    action: 'build.cancel',
    prepare: async () => {
      // One builds at a time: the last of them waits.
      for (const sparsity of [0.2, 0.25, 0.3, 0.35, 0.4, 0.45])
        made.build = (
          await call(api.addBuild, {
            params: { digest: made.model },
            body: { recipe: buildRecipeSchema.parse({ method: 'fp16', sparsity }) },
          })
        ).id;
    },
    run: async () => {
      expect((await call(api.cancelBuild, { params: { id: made.build } })).state).toBe('cancelled');
      return 'map@1.0.0';
    },
  },
  retryBuild: {
    action: 'build.retry',
    run: async () => {
      await call(api.retryBuild, { params: { id: made.build } });
      await operator.waitForBuilds(made.model);
      return 'map@1.0.0';
    },
  },
  commandDevice: {
    action: 'command.ping',
    run: async () => (await call(api.commandDevice, { params: { id: device.id }, body: { name: 'ping' } })).device,
  },
  cancelCommand: {
    action: 'command.cancel',
    prepare: async () => {
      made.command = (await call(api.commandDevice, { params: { id: device.id }, body: { name: 'ping' } })).id;
    },
    run: async () => (await call(api.cancelCommand, { params: { id: made.command } })).device,
  },
  createCommandBatch: {
    action: 'command.ping',
    run: async () => {
      made.batch = (await call(api.createCommandBatch, { body: { name: 'ping', select: `id == "${device.id}"` } })).id;
      return '1 devices';
    },
  },
  cancelCommandBatch: {
    action: 'command.cancel',
    run: async () => (await call(api.cancelCommandBatch, { params: { id: made.batch } })).id,
  },
  inferOnDevice: {
    action: 'command.infer',
    prepare: async () => {
      session = await startSession(fleet.ready.addresses.mqtt, device);
      answerCommands(session, await device.login(), () => ({ pipeline: findBoxes.name, release: made.release }));
    },
    run: async () => {
      await call(api.inferOnDevice, { params: { id: device.id }, raw: new Uint8Array([1, 2, 3]) });
      return device.id;
    },
  },
  startTap: {
    action: 'command.tap',
    run: async () => {
      made.tap = (await call(api.startTap, { params: { id: device.id }, body: { edges: ['map.y'] } })).id;
      return device.id;
    },
  },
  stopTap: {
    action: 'command.tap-stop',
    run: async () => {
      await call(api.stopTap, { params: { id: device.id, tap: made.tap } });
      return device.id;
    },
  },
  replayOnDevice: {
    action: 'command.replay',
    run: async () => {
      await call(api.replayOnDevice, { params: { id: device.id }, query: { of: 'last' }, raw: new Uint8Array() });
      return device.id;
    },
  },
  revokeClaimToken: {
    action: 'claim-token.revoke',
    run: async () => {
      await call(api.revokeClaimToken, { params: { id: made.claimId } });
      return made.claimId;
    },
  },
  revokeDevice: { action: 'device.revoke', run: async () => (await call(api.revokeDevice, { params: { id: device.id } })).id },
  createUser: {
    action: 'user.create',
    run: async () => {
      const { user, password } = await call(api.createUser, { body: { email: 'ada@example.org', name: 'Ada', role: 'viewer' } });
      Object.assign(made, { user: user.id, password });
      return user.email;
    },
  },
  changeUser: {
    action: 'user.change',
    run: async () => (await call(api.changeUser, { params: { id: made.user }, body: { role: 'operator' } })).email,
  },
  changePassword: {
    action: 'user.change-password',
    who: () => 'ada@example.org',
    prepare: async () => {
      person = (await signIn(fleet.ready.addresses.http, { email: 'ada@example.org', password: made.password })).caller;
    },
    run: async () => {
      const body = { current: made.password, next: 'a longer password than before' };
      expect((await person.call('POST', `${API_BASE}${api.changePassword.path}`, { body })).status).toBe(200);
      return 'ada@example.org';
    },
  },
  createAgentBuild: {
    action: 'agent.publish',
    prepare: async () => {
      made.agent = await call(api.upload, { raw: file, query: { kind: 'file' } });
    },
    run: async () => {
      const { root } = await call(api.settings, {});
      const packages = [{ platform: 'linux-x64', ...made.agent }];
      const document = { kind: 'agent-build', schemaVersion: 1, fleetId: root?.fleetId, version: '9.0.0', issuedAtMs: 1, packages };
      const signed = await signDocument(await signerOf(keys.publisher), 'agent-build', document);
      return (await call(api.createAgentBuild, { body: { signed } })).version;
    },
  },
  ...accountDrives(call),
  createApiToken: {
    action: 'api-token.create',
    run: async () => {
      made.token = (await call(api.createApiToken, { body: { name: 'charts', role: 'viewer' } })).token.id;
      return 'charts';
    },
  },
  revokeApiToken: {
    action: 'api-token.revoke',
    run: async () => {
      await call(api.revokeApiToken, { params: { id: made.token } });
      return made.token;
    },
  },
};

/** Entries so far, newest first. */
const entries = async (): Promise<AuditEntry[]> => (await call(api.listAudit, { query: { limit: 200, offset: 0 } })).items;

describe('the audit log', () => {
  test.each(Object.keys(drives) as Change[])('has one entry of %s, which says who and what', async (name) => {
    const { action, who = () => 'token auditor of admin@starling.local', prepare, run } = drives[name];
    await prepare?.();
    const before = (await entries()).length;
    const subject = await run();
    const added = (await entries()).slice(0, -before || undefined);
    expect(added).toEqual([expect.objectContaining({ action, actor: who(), subject, atMs: expect.any(Number) })]);
  });

  test('is asked of every endpoint that changes something', () => {
    const changing = Object.entries<Endpoint>(api).filter(([, endpoint]) => changesSomething(endpoint));
    expect(Object.keys(drives).sort()).toEqual(changing.map(([name]) => name).sort());
  });

  test('has none of what was refused', async () => {
    const before = (await entries()).length;
    const { http } = fleet.ready.addresses;
    const admin = createCaller(http, {
      authorization: `Bearer ${(await call(api.createApiToken, { body: { name: 'x', role: 'admin' } })).secret}`,
    });
    for (const name of Object.keys(drives) as Change[]) {
      const { method, path }: Endpoint = api[name];
      const url = `${API_BASE}${path.replaceAll(/\{\w+\}/g, 'nothing')}`;
      expect([name, (await admin.call(method.toUpperCase(), url)).status]).toEqual([
        name,
        expect.toSatisfy((status: number) => status >= 400),
      ]);
    }
    expect((await entries()).length).toBe(before + 1);
  });
});

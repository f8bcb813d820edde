import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isStarlingError } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../harness/free-ports.ts';
import { type AgentProcess, startAgentProcess, startFleetProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';

describe('a start that cannot be', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    agent = await fleet.startAgent('agent');
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const failure = async (
    start: Promise<{ kill(): Promise<void> }>,
  ): Promise<{ code: string; field: string; message: string; hint: string }> => {
    const error = await start.then(
      async (started) => {
        await started.kill();
        return new Error('it has started');
      },
      (reason: unknown) => reason,
    );
    if (!isStarlingError(error)) throw error;
    return { code: error.code, field: error.field ?? '', message: error.message, hint: error.hint ?? '' };
  };

  test('a second fleet on one data directory is refused, and the first goes on', async () => {
    const second = await failure(startFleetProcess({ dataDirectory: join(fleet.folder, 'fleet') }));
    expect(second).toMatchObject({
      code: 'data-directory-in-use',
      field: 'dataDirectory',
      hint: expect.stringContaining('stop the other'),
    });
    expect((await fleet.device(agent.ready.device)).status).toBe('active');
  });

  test('a second agent on one data directory is refused, and the first goes on', async () => {
    const second = await failure(startAgentProcess({ dataDirectory: fleet.agentFolder('agent') }));
    expect(second.message).toContain('another agent works in');
    expect(second.message).toContain('field: dataDirectory');
    expect(second.message).toContain('hint: stop the other agent');
    expect((await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`)).status).toBe(200);
  });

  test.for(['fleet', 'agent'] as const)(
    'a second %s is refused from another network namespace, where only the directory is shared',
    async (what) => {
      const dataDirectory = join(fleet.folder, `shared-${what}`);
      await mkdir(dataDirectory);
      const file = join(dataDirectory, 'claim.sock');
      const start = () => (what === 'fleet' ? startFleetProcess({ dataDirectory }) : startAgentProcess({ dataDirectory }));
      // All that can be seen of the first from there: it answers at the socket in the directory.
      const first = createServer((socket) => socket.destroy()).listen(file);
      await once(first, 'listening');
      expect((await failure(start())).message).toContain(`another ${what} works in`);
      await new Promise((resolve) => first.close(resolve));
      // What one that was killed leaves: a file at which nobody answers. The agent gets on to say that it has no token.
      await writeFile(file, '');
      if (what === 'agent') expect((await failure(start())).message).not.toContain('another agent');
      else await (await start()).kill();
    },
  );

  test('a fleet in a folder whose path is too long for a socket starts, and its database opens', async () => {
    const dataDirectory = join(fleet.folder, 'long'.repeat(15), 'long'.repeat(15), 'fleet');
    const deep = await startFleetProcess({ dataDirectory });
    expect(deep.ready.firstLogin).toBeDefined();
    expect((await failure(startFleetProcess({ dataDirectory }))).code).toBe('data-directory-in-use');
    await deep.kill();
    const again = await startFleetProcess({ dataDirectory });
    expect(again.ready.firstLogin).toBeUndefined();
    await again.stop();
  });

  test.for(['http-port', 'mqtts-port'])('a fleet says which port is taken: %s', async (flag) => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const refused = await failure(startFleetProcess({ dataDirectory: join(fleet.folder, `fleet-${flag}`), flags: { [flag]: `${port}` } }));
    taken.close();
    const field = flag.replace('-port', 'Port');
    expect(refused).toMatchObject({ code: 'port-taken', field, hint: expect.stringContaining(field) });
    expect(refused.message).toContain(`${port}`);
  });

  test('an agent says which port is taken', async () => {
    await agent.stop();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const refused = await failure(startAgentProcess({ dataDirectory: fleet.agentFolder('agent'), flags: { 'http-port': `${port}` } }));
    taken.close();
    expect(refused.message).toContain(`port ${port} cannot be used`);
    expect(refused.message).toContain('field: httpPort');
    agent = await fleet.startAgent('agent');
    expect(agent.ready.device).not.toBe('');
  });

  test('a fleet whose database cannot be reached says so, and leaves nothing half made', async () => {
    const [port] = await freePorts(1);
    const dataDirectory = join(fleet.folder, 'fleet-database');
    const refused = await failure(
      startFleetProcess({ dataDirectory, flags: { 'database-url': `postgres://starling@127.0.0.1:${port}/starling` } }),
    );
    expect(refused).toMatchObject({ code: 'database-unreachable', field: 'databaseUrl', hint: expect.stringContaining('server runs') });
    const started = await startFleetProcess({ dataDirectory });
    expect(started.ready.firstLogin).toBeDefined();
    await started.kill();
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMemoryShare } from './control-group.ts';

const MB = 1_000_000;

/** Trees as the kernel shows them; names and texts as in cgroup-v2.rst and cgroup-v1/memory.rst of its documentation. */
describe('the memory that control groups leave', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'starling-groups-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const write = async (files: Record<string, string | number>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), `${text}\n`);
    }
  };
  const unified = (group: string, limit: number | 'max', current: number, inactive = 0): Promise<void> =>
    write({
      [`sys/fs/cgroup/${group}/memory.max`]: limit,
      [`sys/fs/cgroup/${group}/memory.current`]: current,
      [`sys/fs/cgroup/${group}/memory.stat`]: `anon 1\nfile 2\nactive_file 3\ninactive_file ${inactive}`,
    });

  test('is not bounded without groups, or by groups without a limit', async () => {
    expect(await readMemoryShare(root)).toBeUndefined();
    await write({ 'proc/self/cgroup': '0::/system.slice/starling-agent.service' });
    await unified('system.slice/starling-agent.service', 'max', 200 * MB);
    expect(await readMemoryShare(root)).toBeUndefined();
  });

  test('counts cached files as free', async () => {
    await write({ 'proc/self/cgroup': '0::/system.slice/starling-agent.service' });
    await unified('system.slice/starling-agent.service', 500 * MB, 450 * MB, 250 * MB);
    expect(await readMemoryShare(root)).toEqual({ limitBytes: 500 * MB, availableBytes: 300 * MB });
  });

  test('is that of the narrowest group around the process', async () => {
    await write({ 'proc/self/cgroup': '0::/edge.slice/starling-agent.service' });
    await unified('edge.slice/starling-agent.service', 500 * MB, 100 * MB);
    await unified('edge.slice', 800 * MB, 780 * MB);
    expect(await readMemoryShare(root)).toEqual({ limitBytes: 800 * MB, availableBytes: 20 * MB });
  });

  test('is that of the root where a container shows no other', async () => {
    await write({ 'proc/self/cgroup': '0::/../../docker/4f2a' });
    await unified('', 256 * MB, 300 * MB);
    expect(await readMemoryShare(root)).toEqual({ limitBytes: 256 * MB, availableBytes: 0 });
  });

  test('is read in version 1 and beside it', async () => {
    await write({
      'proc/self/cgroup': '5:cpuacct,cpu:/docker/4f2a\n4:memory:/docker/4f2a\n1:name=systemd:/a:b\n0::/',
      'sys/fs/cgroup/memory/docker/4f2a/memory.limit_in_bytes': 400 * MB,
      'sys/fs/cgroup/memory/docker/4f2a/memory.usage_in_bytes': 300 * MB,
      'sys/fs/cgroup/memory/docker/4f2a/memory.stat': `inactive_file 1\ntotal_inactive_file ${50 * MB}`,
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': 900 * MB,
    });
    expect(await readMemoryShare(root)).toEqual({ limitBytes: 400 * MB, availableBytes: 150 * MB });
  });
});

import { isStarlingError, type TrustRoot } from '@starling/shared';
import type { Context } from '../context.ts';
import { fingerprintOf, readKeyFile } from '../key-files.ts';
import { formatTime } from '../printable.ts';
import { exists } from '../private-files.ts';
import { newestRoot } from '../roots.ts';
import { formatFields } from '../table.ts';

interface ShownKey {
  role: string;
  kid: string;
  fingerprint: string;
  file: string | null;
}

/** Key files, and without any the root of the fleet too. Private parts are never in it. */
export async function showKeys(context: Context, files: readonly string[]): Promise<void> {
  const { settings, output } = context;
  const own = files.length > 0 ? files : await presentFiles([settings.rootKeyFile, settings.publisherKeyFile]);
  const held: ShownKey[] = [];
  for (const file of own) {
    const key = await readKeyFile(file, 'file');
    held.push({ role: '-', kid: key.kid, fingerprint: await fingerprintOf(key), file });
  }
  const root = await rootOfFleet(context, files.length === 0);
  const named = root === undefined ? [] : await keysOf(root, held);
  const namedIds = new Set(named.map(({ kid }) => kid));
  const unnamed = held
    .filter(({ kid }) => !namedIds.has(kid))
    .map((key) => ({ ...key, role: root === undefined ? '-' : 'not in the root' }));
  const keys = [...(files.length === 0 ? named : named.filter(({ file }) => file !== null)), ...unnamed];
  const summary =
    root === undefined ? null : { fleetId: root.fleetId, version: root.version, expiresAtMs: root.expiresAtMs, demo: root.demo };
  output.result(
    { root: summary, keys },
    () => {
      const table = output.table(keys, [
        { title: 'ROLE', value: ({ role }) => role },
        { title: 'ID', value: ({ kid }) => kid },
        { title: 'FINGERPRINT', value: ({ fingerprint }) => fingerprint },
        { title: 'FILE', value: ({ file }) => file },
      ]);
      if (summary === null) return table;
      const demo = summary.demo ? 'made by the demo, beside the fleet: replace them with "starling key rotate"' : undefined;
      return `${formatFields([
        ['fleet', summary.fleetId],
        ['root', summary.version],
        ['expires', formatTime(summary.expiresAtMs)],
        ['keys', demo],
      ])}\n\n${table}`;
    },
    () => keys.map(({ kid }) => kid),
  );
}

async function presentFiles(files: readonly string[]): Promise<string[]> {
  const present: string[] = [];
  for (const file of files) if (await exists(file)) present.push(file);
  return present;
}

/** Key files can be shown without a fleet; then nothing is said about the root. */
async function rootOfFleet(context: Context, wanted: boolean): Promise<TrustRoot | undefined> {
  try {
    return (await newestRoot((await context.connect()).client))?.root;
  } catch (error) {
    if (!wanted || !isStarlingError(error) || !['not-signed-in', 'unreachable'].includes(error.code)) throw error;
    context.output.notice(`the root is not shown: ${error.message}`);
    return undefined;
  }
}

async function keysOf(root: TrustRoot, held: readonly ShownKey[]): Promise<ShownKey[]> {
  const shown: ShownKey[] = [];
  for (const role of ['root', 'publisher', 'fleet'] as const) {
    for (const key of root.keys[role]) {
      const file = held.find(({ kid }) => kid === key.kid)?.file ?? null;
      shown.push({ role, kid: key.kid, fingerprint: await fingerprintOf(key), file });
    }
  }
  return shown;
}

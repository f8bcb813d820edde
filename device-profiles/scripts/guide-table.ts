/** Profiles -> the table between the markers of docs/guides/device-profiles.md. Usage: `node scripts/guide-table.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DeviceProfile } from '@starling/shared';
import { loadProfiles } from '../src/index.ts';

export const guideFile = fileURLToPath(new URL('../../docs/guides/device-profiles.md', import.meta.url));
const BEGIN = '<!-- profiles: begin -->';
const END = '<!-- profiles: end -->';

/** @returns the guide with its table as the profiles are now */
export function withTable(guide: string, profiles: readonly DeviceProfile[]): string {
  const [before, after] = [guide.split(BEGIN)[0] ?? '', guide.split(END)[1] ?? ''];
  return `${before}${BEGIN}\n${tableOf(profiles)}\n${END}${after}`;
}

function tableOf(profiles: readonly DeviceProfile[]): string {
  const rows = profiles.map((profile) => {
    const { name, title, executionProviders, acceleratedPrecisions, memoryBudgetBytes, powerModel, referenceCores } = profile;
    const watts = `${powerModel.idleWatts} to ${powerModel.maximumWatts}${referenceCores === undefined ? '' : ` at ${referenceCores} cores`}`;
    const cells = [
      `\`${name}\``,
      title,
      executionProviders.join(', '),
      acceleratedPrecisions.join(', '),
      `${memoryBudgetBytes / 2 ** 20}`,
      watts,
    ];
    return `| ${[...cells, sensorsOf(profile)].join(' | ')} |`;
  });
  return [
    '| profile | device | providers, best first | precisions, fastest first | models, at most (MiB) | power (W) | energy sensor |',
    '|---|---|---|---|--:|--:|---|',
    ...rows,
  ].join('\n');
}

function sensorsOf({ energySensors }: DeviceProfile): string {
  return energySensors.length === 0 ? 'none: modelled' : energySensors.map(({ kind }) => kind).join(', ');
}

if (import.meta.main) writeFileSync(guideFile, withTable(readFileSync(guideFile, 'utf8'), loadProfiles()));

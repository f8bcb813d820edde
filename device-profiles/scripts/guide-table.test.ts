import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadProfiles } from '../src/index.ts';
import { guideFile, withTable } from './guide-table.ts';

test('the guide shows the profiles as they are (if not: node device-profiles/scripts/guide-table.ts)', () => {
  const guide = readFileSync(guideFile, 'utf8');
  expect(guide).toBe(withTable(guide, loadProfiles()));
  expect(guide).toContain('| `raspberry-pi-5` | Raspberry Pi 5 | cpu | int8, fp32 | 4096 | 3.3 to 9.8 | pmic |');
});

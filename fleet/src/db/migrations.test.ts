import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { expect, test } from 'vitest';
import * as schema from './schema/index.ts';

const meta = fileURLToPath(new URL('./migrations/meta', import.meta.url));

test('the migrations lead to the tables as the code knows them', async () => {
  const last = readdirSync(meta)
    .filter((file) => file.endsWith('_snapshot.json'))
    .toSorted()
    .at(-1);
  const migrated = JSON.parse(readFileSync(`${meta}/${last}`, 'utf8'));
  const missing = await generateMigration(migrated, generateDrizzleJson(schema, migrated.id));
  expect(missing, 'drizzle-kit generate --name NAME, in fleet/, writes the migration').toEqual([]);
});

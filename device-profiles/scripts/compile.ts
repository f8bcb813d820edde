/** Profiles in YAML -> one checked JSON file, for bundles that bring no YAML parser. Usage: `node scripts/compile.ts [FILE]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadProfiles } from '../src/index.ts';

const file = resolve(process.argv[2] ?? `${import.meta.dirname}/../dist/profiles.json`);
const profiles = loadProfiles();
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(profiles, null, 2)}\n`);
console.log(`${profiles.length} device profiles in ${file}`);

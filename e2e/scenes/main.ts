import { parseArgs } from 'node:util';
import { messageOf } from '@starling/shared';
import { writeScenes } from './write.ts';

const help = `node e2e/scenes/main.ts --out FOLDER [--count 300] [--seed 1]

Paints pictures of signs, labels, plates and container codes, and scenes.json with the text in each.`;

try {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      count: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.out === undefined) {
    console.log(help);
    process.exit(values.help ? 0 : 2);
  }
  const { scenes } = await writeScenes({ folder: values.out, count: Number(values.count), seed: Number(values.seed) });
  console.log(`${scenes.length} scenes with ${scenes.flatMap(({ texts }) => texts).length} texts in ${values.out}`);
} catch (error) {
  console.error(messageOf(error));
  process.exit(2);
}

import { readFile } from 'node:fs/promises';
import {
  api,
  DATASET_FILE_BYTES_MAXIMUM,
  FEEDBACK_MAXIMUM,
  type FeedbackAnswer,
  type FeedbackItem,
  feedbackItemSchema,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';

export function defineFeedback(program: Command, contextOf: ContextOf): void {
  program
    .command('feedback')
    .argument('[result]', 'id of the result ("resultId")')
    .argument('[outcome]', 'true, false, a number or a label')
    .summary('tell how results turned out')
    .description('Outcomes of results, for experiments that are judged by them. Each result counts once, however often it is told.')
    .option('-f, --file <file>', 'many of them: a line of JSON each, {"resultId": ..., "outcome": ...}')
    .addHelpText(
      'after',
      examples(
        ['starling feedback RESULT true', 'it was right'],
        ['starling feedback -f outcomes.jsonl', 'a day of them; sending it again counts nothing twice'],
      ),
    )
    .action(async (result: string | undefined, outcome: string | undefined, _options, command: Command) => {
      const context = contextOf(command);
      const { file } = readOptions(command, z.object({ file: z.string().min(1).optional() }));
      const items = file === undefined ? [oneOf(result, outcome)] : await itemsIn(file, result);
      const { client } = await context.connect();
      const sum: FeedbackAnswer = { taken: 0, repeated: 0, unknown: [] };
      for (let from = 0; from < items.length; from += FEEDBACK_MAXIMUM) {
        const { taken, repeated, unknown } = await client.call(api.sendFeedback, {
          body: { items: items.slice(from, from + FEEDBACK_MAXIMUM) },
        });
        sum.taken += taken;
        sum.repeated += repeated;
        sum.unknown.push(...unknown);
      }
      const strange = sum.unknown.slice(0, 10).map(({ resultId, reason }) => `\n! ${resultId}: ${reason}`);
      context.output.result(
        sum,
        () => `${sum.taken} taken, ${sum.repeated} known before, ${sum.unknown.length} unknown${strange.join('')}`,
      );
    });
}

function oneOf(result: string | undefined, outcome: string | undefined): FeedbackItem {
  if (result === undefined || outcome === undefined)
    throw cliError('usage', 'which result, and how did it turn out?', { field: 'result', hint: 'give both, or a file with -f' });
  return checked({ resultId: result, outcome: outcomeOf(outcome) }, 'result');
}

/** `true` and `false` are answers, digits a number, anything else a label. */
function outcomeOf(text: string): boolean | number | string {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

async function itemsIn(file: string, result: string | undefined): Promise<FeedbackItem[]> {
  if (result !== undefined) throw cliError('usage', 'a result and a file exclude each other', { field: '--file' });
  await requireFile(file, '--file', DATASET_FILE_BYTES_MAXIMUM);
  const lines = (await readFile(file, 'utf8')).split('\n');
  const items = lines.flatMap((line, index) =>
    line.trim() === '' ? [] : [checked(jsonOf(line, `${file}:${index + 1}`), `${file}:${index + 1}`)],
  );
  if (items.length === 0) throw cliError('bad-file', `${file} holds no outcome`, { field: '--file' });
  return items;
}

function jsonOf(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw cliError('bad-file', `${place}: this line is no JSON`, { field: '--file', hint: 'write {"resultId": "...", "outcome": true}' });
  }
}

function checked(item: unknown, place: string): FeedbackItem {
  const parsed = feedbackItemSchema.safeParse(item);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw cliError('bad-document', `${place}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`, {
    field: issue?.path.join('.') ?? 'items',
    hint: 'a result id is the "resultId" of a result, as it came',
  });
}

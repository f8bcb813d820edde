import { api, deviceNameSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, collect, examples, readOptions, readPairs, wordsSchema } from '../options.ts';
import { findDevice } from '../references.ts';
import { describeDevice } from './device-text.ts';

const setOptions = z.object({
  name: deviceNameSchema.optional(),
  label: wordsSchema,
  removeLabel: wordsSchema,
  select: z.string().optional(),
  yes: z.boolean().default(false),
});
type SetOptions = z.infer<typeof setOptions>;

export function defineDeviceSet(device: Command, contextOf: ContextOf): void {
  device
    .command('set')
    .argument('[device]')
    .summary('change the name or labels of a device, or the labels of many')
    .option('--name <name>', 'new name')
    .option('--label <key=value>', 'set a label; may be repeated', collect)
    .option('--remove-label <key>', 'remove a label; may be repeated', collect)
    .option('--select <selector>', 'all devices that a selector means, instead of one; says how many and asks first')
    .option('--yes', 'with --select: without asking')
    .addHelpText(
      'after',
      examples(
        ['starling device set gate-3 --label site=harbour --label lane=2', 'two labels'],
        [`starling device set --select 'name.startsWith("gate-")' --label area=europe`, 'all gates'],
      ),
    )
    .action(async (reference: string | undefined, _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, setOptions);
      const { name, label, removeLabel, select } = options;
      if (name === undefined && label === undefined && removeLabel === undefined) {
        throw cliError('usage', 'nothing to change', { field: '--name', hint: 'give --name, --label or --remove-label' });
      }
      if ((reference === undefined) === (select === undefined)) {
        throw cliError('usage', select === undefined ? 'which device?' : 'a device and --select exclude each other', {
          field: 'device',
          hint: 'name a device, or give --select',
        });
      }
      if (reference !== undefined) return setOne(context, reference, options);
      if (name !== undefined)
        throw cliError('usage', '--name is for one device', { field: '--name', hint: 'leave it out, or name a device' });
      return setMany(context, select ?? '', options);
    });
}

async function setOne(context: Context, reference: string, { name, label, removeLabel }: SetOptions): Promise<void> {
  const { client } = await context.connect();
  const found = await findDevice(client, reference);
  const kept = Object.fromEntries(Object.entries(found.labels).filter(([key]) => !(removeLabel ?? []).includes(key)));
  const labels = { ...kept, ...readPairs(label, '--label') };
  const view = await client.call(api.changeDevice, { params: { id: found.id }, body: { labels, ...(name === undefined ? {} : { name }) } });
  context.output.result(
    view,
    () => describeDevice(view, context.output),
    () => [view.id],
  );
}

async function setMany(context: Context, select: string, { label, removeLabel = [], yes }: SetOptions): Promise<void> {
  const { client } = await context.connect();
  const change = { select, set: readPairs(label, '--label'), remove: removeLabel };
  const planned = await client.call(api.labelDevices, { body: { ...change, dryRun: true } });
  if (planned.changing > 0) {
    const names = planned.examples.map((each) => each.name).join(', ');
    context.output.notice(
      `${planned.changing} of ${planned.selected} selected devices change: ${names}${planned.changing > planned.examples.length ? ', ...' : ''}`,
    );
    await context.prompt.confirm(`change labels of ${planned.changing} devices?`, { yes });
  }
  const done = planned.changing === 0 ? planned : await client.call(api.labelDevices, { body: { ...change, dryRun: false } });
  context.output.result(
    done,
    () => `${done.changing} of ${done.selected} selected devices were changed`,
    () => [`${done.changing}`],
  );
}

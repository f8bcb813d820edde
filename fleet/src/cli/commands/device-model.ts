import { commandTable } from '@starling/shared';
import type { Command } from 'commander';
import { type ContextOf, examples } from '../options.ts';
import { printable } from '../printable.ts';
import { sendAndWait } from './device-command.ts';

/** Models of the running release, in and out of the memory of a device. */
export function defineDeviceModelCommands(device: Command, contextOf: ContextOf): void {
  device
    .command('model-load')
    .argument('<device>')
    .argument('<model>', 'its name in the running release')
    .summary('load a model that was freed, instead of with the next item')
    .addHelpText('after', examples(['starling device model-load gate-3 text-detection', 'before the items come']))
    .action(async (reference: string, model: string, _options, command: Command) => {
      const context = contextOf(command);
      const { device: name, view } = await sendAndWait(context, reference, 'model-load', { model });
      const loaded = commandTable['model-load'].result.parse(view.result);
      context.output.result(loaded, () =>
        loaded.wasLoaded
          ? `${name}: ${printable(loaded.model)} is loaded already, on ${loaded.provider}`
          : `${name}: ${printable(loaded.model)} is loaded on ${loaded.provider} in ${loaded.loadMs.toFixed(0)} ms${sizeOf(loaded)}`,
      );
    });
  device
    .command('model-unload')
    .argument('<device>')
    .argument('<model>', 'its name in the running release')
    .summary('free the memory of a model until an item needs it')
    .addHelpText('after', examples(['starling device model-unload gate-3 text-detection', 'the next item loads it again']))
    .action(async (reference: string, model: string, _options, command: Command) => {
      const context = contextOf(command);
      const { device: name, view } = await sendAndWait(context, reference, 'model-unload', { model });
      const freed = commandTable['model-unload'].result.parse(view.result);
      context.output.result(freed, () =>
        freed.wasLoaded
          ? `${name}: ${printable(freed.model)} is out of memory${sizeOf(freed)}; the next item loads it again`
          : `${name}: ${printable(freed.model)} was not loaded`,
      );
    });
}

function sizeOf({ sizeBytes }: { sizeBytes?: number | undefined }): string {
  return sizeBytes === undefined ? '' : `, ${(sizeBytes / 2 ** 20).toFixed(1)} MiB of files`;
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type AgentBuild, agentPlatformSchema, api, signDocument, signerOf } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { readKeyFile } from '../key-files.ts';
import { type ContextOf, collect, examples, readOptions, wordsSchema } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatBytes, formatTime } from '../printable.ts';
import { requirePublisher } from '../roots.ts';
import { upload } from '../upload.ts';

const PACKAGE_BYTES_MAXIMUM = 2 ** 31 - 1;
const publishOptions = z.object({ package: wordsSchema });

/** Agents that devices are updated to. */
export function defineAgentCommands(program: Command, contextOf: ContextOf): void {
  const agent = program.command('agent').summary('agents that devices are updated to').description('Publish agents, and list them.');
  agent
    .command('publish')
    .argument('<version>', 'name of the build, such as 1.4.0')
    .summary('sign an agent with your publisher key, and upload it; devices take it by the command update-agent')
    .option(
      '--package <platform=file>',
      'a package that was built before; may be repeated. Without one, all are built from this checkout',
      collect,
    )
    .addHelpText(
      'after',
      examples(
        ['starling agent publish 1.4.0', 'built here, from the sources that this command runs from'],
        [
          `starling command send update-agent --select 'site == "north"' --arguments '{"build": "DIGEST"}' --max-in-flight 5 --yes`,
          'roll it out',
        ],
      ),
    )
    .action(async (version: string, _options, command: Command) =>
      publish(contextOf(command), version, readOptions(command, publishOptions)),
    );
  addPaging(agent.command('ls'))
    .summary('list published agents')
    .addHelpText('after', examples(['starling agent ls', 'newest first']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      showPage(context, await fetchPages(command, (query) => client.call(api.listAgentBuilds, { query })), {
        columns: [
          { title: 'VERSION', value: ({ version }) => version },
          { title: 'DIGEST', value: ({ digest }) => digest },
          {
            title: 'PLATFORMS',
            value: ({ packages }) => packages.map(({ platform, sizeBytes }) => `${platform} ${formatBytes(sizeBytes)}`).join(', '),
          },
          { title: 'AT', value: ({ createdAtMs }) => formatTime(createdAtMs) },
          { title: 'BY', value: ({ createdBy }) => createdBy },
        ],
        name: ({ digest }) => digest,
        empty: 'no agents were published yet',
      });
    });
}

interface PackageFile {
  platform: AgentBuild['packages'][number]['platform'];
  file: string;
}

async function publish(context: Context, version: string, options: z.infer<typeof publishOptions>): Promise<void> {
  const given = (options.package ?? []).map(readPackageOption);
  const key = await readKeyFile(context.settings.publisherKeyFile, '--publisher-key');
  const connection = await context.connect();
  const { client } = connection;
  await requirePublisher(client, key);
  const folder = await mkdtemp(join(tmpdir(), 'starling-agent-'));
  try {
    const packages: AgentBuild['packages'] = [];
    for (const { platform, file } of given.length > 0 ? given : await buildHere(context, folder)) {
      const sizeBytes = await requireFile(file, '--package', PACKAGE_BYTES_MAXIMUM);
      const stored = await upload(context, connection, { file, sizeBytes, kind: 'file', title: basename(file) });
      packages.push({ platform, digest: stored.digest, manifest: stored.manifest, sizeBytes });
    }
    const { fleetId } = await client.call(api.fleetKey, {});
    const document: AgentBuild = {
      ...{ kind: 'agent-build', schemaVersion: 1, critical: [], fleetId, version, packages },
      issuedAtMs: Math.round(context.nowMs()),
    };
    const signed = await signDocument(await signerOf(key), 'agent-build', document);
    const view = await client.call(api.createAgentBuild, { body: { signed } });
    context.output.result(
      view,
      () => `published ${version}: ${view.digest}`,
      () => [view.digest],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readPackageOption(text: string): PackageFile {
  const [name = '', ...rest] = text.split('=');
  const platform = agentPlatformSchema.safeParse(name);
  if (platform.success && rest.length > 0) return { platform: platform.data, file: rest.join('=') };
  throw cliError('usage', `"${text}" is no platform=file`, {
    field: '--package',
    hint: `use one of ${agentPlatformSchema.options.join(', ')}`,
  });
}

/** What is signed was built here: a taken fleet cannot slip in another. */
async function buildHere({ output }: Context, folder: string): Promise<PackageFile[]> {
  // Only here: it brings along what bundles and packs.
  const { buildPackage } = await import('../../packages/index.ts');
  const built: PackageFile[] = [];
  for (const platform of agentPlatformSchema.options) {
    const progress = output.progress(`building ${platform}`);
    const { file, sizeBytes } = await buildPackage(platform, folder).catch((error: unknown) => {
      progress.failed();
      throw error;
    });
    progress.done(formatBytes(sizeBytes));
    built.push({ platform, file: join(folder, file) });
  }
  return built;
}

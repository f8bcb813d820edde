import { Stack, Text } from '@mantine/core';
import type { api, ResponseOf, Settings } from '@starling/shared';
import { IconKey } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RowTable } from '../../parts/row-table.tsx';
import { Tag, type Tone } from '../../parts/tag.tsx';
import { BatchHistory, DeviceHistory } from '../commands/command-history.tsx';

type ListedAuthority = ResponseOf<typeof api.listAuthorities>['authorities'][number];

/** Keys and certificate authorities of the fleet and of its devices: what counts, and what came of replacing them. */
export function KeysPage() {
  const { may } = useSession();
  return (
    <>
      <PageHeader
        title="Keys"
        note="Each key can be replaced while devices run. Those that are away meanwhile follow when they are back."
        actions={
          may('operator') && (
            <ButtonLink to="/commands/new" search={{ name: 'rotate-key' }} leftSection={<IconKey size={16} aria-hidden />}>
              Replace device keys
            </ButtonLink>
          )
        }
      />
      <RootPanel />
      <AuthoritiesPanel />
      <BatchHistory
        name="rotate-key"
        title="Device keys that were replaced"
        note="Newest first. A device makes its new key itself, and proves both to the fleet; its id stays."
        empty="None was started yet"
      />
      <DeviceHistory
        name="rotate-key"
        title="Devices one by one"
        note="Done means that the new key counts, and the old one is worth nothing. Devices that are not listed have the key that they enrolled with."
        empty="No device was told to make a new key yet"
      />
    </>
  );
}

type Root = NonNullable<Settings['root']>;
interface KeyLine {
  kid: string;
  use: string;
  state: string;
  tone: Tone;
}

/** As the root names them, whose own key lies with the operator. */
function linesOf({ keys }: Root): KeyLine[] {
  const of = (use: string, of: Root['keys']['root'], state = 'counts', tone: Tone = 'good'): KeyLine[] =>
    of.map(({ kid }) => ({ kid, use, state, tone }));
  return [
    ...of('Root', keys.root),
    ...of('Publisher', keys.publisher),
    ...of('Fleet', keys.fleet),
    ...of('Fleet', keys.retired ?? [], 'retired: for artefacts that it has signed', 'idle'),
  ];
}

function RootPanel() {
  const settings = useQuery(read('settings', {}));
  return (
    <Panel title="Keys of the fleet" note="By the newest root document, which the root key signs." flush>
      <QueryView query={settings} heightPx={240}>
        {({ root }) =>
          root === null ? (
            <EmptyState title="No root document was published yet">
              <CommandBox label="From a terminal:" command="starling key create --root" />
            </EmptyState>
          ) : (
            <>
              <RowTable
                label="Keys of the fleet"
                rows={linesOf(root)}
                rowKey={({ kid, use }) => `${use} ${kid}`}
                columns={[
                  { title: 'Key', cell: ({ use }) => use },
                  { title: 'Id', cell: ({ kid }) => <Digest value={kid} length={16} what="key id" /> },
                  { title: 'State', cell: ({ state, tone }) => <Tag tone={tone}>{state}</Tag> },
                ]}
              />
              <Stack gap="sm" p="md">
                <Text size="sm">
                  Root {root.version}, which ends <ExactMoment atMs={root.expiresAtMs} />. Only the root key can name other keys, and it
                  does not lie here: replace keys from the terminal that has it.
                </Text>
                <CommandBox
                  label="The key by which the fleet signs commands and desired states:"
                  command="starling key rotate --fleet-key"
                />
                <CommandBox
                  label="The key of whoever publishes models, pipelines and releases:"
                  command="starling key rotate --publisher"
                />
                <CommandBox label="The root key itself:" command="starling key rotate --root" />
              </Stack>
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

const authorityStates: Readonly<Record<ListedAuthority['state'], { words: string; tone: Tone }>> = {
  now: { words: 'signs what this process shows', tone: 'good' },
  next: { words: 'to follow at the next start, once the root names it', tone: 'busy' },
  before: { words: 'of before: believed until the root drops it', tone: 'idle' },
};

/** @param named by the root; undefined: it names none */
function believed({ digest, state }: ListedAuthority, named: readonly string[] | undefined): string {
  if (named === undefined) return state === 'now' ? 'by their claim token' : 'no';
  return named.includes(digest) ? 'by the root' : 'no';
}

function AuthoritiesPanel() {
  const authorities = useQuery(read('listAuthorities', {}));
  const settings = useQuery(read('settings', {}));
  const named = settings.data?.root?.authorities;
  return (
    <Panel title="Certificate authorities" note="Of the fleet itself, for HTTPS and MQTT over TLS." flush>
      <QueryView query={authorities} heightPx={160}>
        {({ authorities: listed }) =>
          listed.length === 0 ? (
            <EmptyState title="None of its own: the fleet was given a certificate" />
          ) : (
            <>
              <RowTable
                label="Certificate authorities"
                rows={listed}
                rowKey={({ digest }) => digest}
                columns={[
                  { title: 'Authority', cell: ({ digest }) => <Digest value={digest} what="digest of the authority" /> },
                  { title: 'State', cell: ({ state }) => <Tag tone={authorityStates[state].tone}>{authorityStates[state].words}</Tag> },
                  { title: 'Devices believe it', cell: (authority) => believed(authority, named) },
                ]}
              />
              <Stack gap="sm" p="md">
                <CommandBox label="Another authority; then start every process of the fleet again:" command="starling key rotate --tls" />
                <CommandBox
                  label="And once all have started, the old one is worth nothing:"
                  command="starling key rotate --tls --drop-old"
                />
              </Stack>
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

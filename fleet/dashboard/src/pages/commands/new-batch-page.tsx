import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { commandTable, problemsByField, type SelectorCheck, sendableCommandSchema } from '@starling/shared';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { z } from 'zod';
import { useChange } from '../../data/queries.ts';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { counted } from '../../format/quantity.ts';
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx';
import type { WrongField } from '../../parts/field-problems.ts';
import { ButtonLink } from '../../parts/link.tsx';
import { announce } from '../../parts/notice.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';
import { WrongList } from '../../parts/wrong-list.tsx';
import type { ParamPath } from '../pipeline-editor/param-context.ts';
import { paramFieldsOf } from '../pipeline-editor/param-fields.ts';
import { ParamForm } from '../pipeline-editor/param-form.tsx';
import { withValueAt } from '../pipeline-editor/set-at-path.ts';

const route = getRouteApi('/shell/commands/new');
type Sendable = z.infer<typeof sendableCommandSchema>;

interface Pace {
  maxInFlight: number;
  percent: number;
  minimum: number;
  lifeMinutes: number;
}

/** What the API takes where nothing is said. */
const usual: Pace = { maxInFlight: 50, percent: 20, minimum: 5, lifeMinutes: 15 };
/** What takes long, or may leave a device away for a while, goes to few at a time, and waits for those that are away. */
const careful: Pace = { maxInFlight: 5, percent: 20, minimum: 3, lifeMinutes: 10_080 };
const paceOf = (name: Sendable): Pace => (name === 'update-agent' || name === 'rotate-key' ? careful : usual);
const paceFields: readonly { name: keyof Pace; label: string; maximum: number }[] = [
  { name: 'maxInFlight', label: 'Connected devices at a time', maximum: 10_000 },
  { name: 'percent', label: 'Stop where so many percent failed', maximum: 100 },
  { name: 'minimum', label: 'But only after so many answers', maximum: 1_000_000 },
  { name: 'lifeMinutes', label: 'Minutes that each device has', maximum: 44_640 },
];

/** What, for whom, how fast: and how many that is, before anything is sent. */
export function NewBatchPage() {
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const [name, setName] = useState<Sendable>(search.name ?? 'ping');
  const [given, setGiven] = useState<Record<string, unknown>>(search.build === undefined ? {} : { build: search.build });
  const [select, setSelect] = useState(search.select ?? '');
  const [pace, setPace] = useState(paceOf(name));
  /** What was counted when the question was put: it does not change under the hand. */
  const [asked, setAsked] = useState<SelectorCheck>();
  const { vocabulary, problem, counts } = useSelectorCheck(select);
  const create = useChange('createCommandBatch', {
    makesOld: ['listCommandBatches', 'listAudit'],
    onDone: ({ id, total }) => {
      announce(`${name} is on its way to ${counted(total)} devices`);
      void navigate({ to: '/commands/$id', params: { id } });
    },
  });
  const { summary } = commandTable[name];
  const wrong = wrongIn(name, given);
  const { percent, minimum, maxInFlight, lifeMinutes } = pace;
  const send = (): void =>
    create.mutate({ body: { name, arguments: given, select, maxInFlight, lifeMinutes, stopAfter: { percent, minimum } } });
  return (
    <>
      <PageHeader title="New command" note="See how many devices it is for, then send it. It can be cancelled at any time." />
      <WhatPanel
        {...{ name, given, wrong }}
        onName={(next) => {
          setName(next);
          setGiven({});
          setPace(paceOf(next));
        }}
        onSet={(path, value) => setGiven((before) => withValueAt(before, path, value))}
      />
      <Panel title="For whom" note="Devices that match later are not among them.">
        <SelectorField
          label="Devices"
          description="A condition, a saved group such as group(&quot;kitchens&quot;), or true for all of them"
          value={select}
          onChange={setSelect}
          {...{ vocabulary, problem, note: countWords(counts) }}
        />
      </Panel>
      <PacePanel pace={pace} onPace={(change) => setPace((before) => ({ ...before, ...change }))} />
      <Group justify="flex-end">
        <ButtonLink to="/commands" variant="default">
          Cancel
        </ButtonLink>
        <Button aria-haspopup="dialog" disabled={(counts?.devices ?? 0) === 0 || wrong.length > 0} onClick={() => setAsked(counts)}>
          Send it
        </Button>
      </Group>
      {asked !== undefined && (
        <ConfirmDialog
          title={`Send ${name}`}
          verb={`Send to ${counted(asked.devices)} ${asked.devices === 1 ? 'device' : 'devices'}`}
          isPending={create.isPending}
          error={create.error}
          onConfirm={send}
          onClose={() => {
            create.reset();
            setAsked(undefined);
          }}
        >
          {summary}.
          <Text size="sm" mt="xs">
            {counted(asked.online)} of {counted(asked.devices)} are connected, {counted(maxInFlight)} get it at a time; those that are away
            get it when they are back, within {counted(lifeMinutes)} minutes.
          </Text>
        </ConfirmDialog>
      )}
    </>
  );
}

/** Fields of arguments are called what they are called everywhere. */
function wrongIn(name: Sendable, given: Readonly<Record<string, unknown>>): WrongField[] {
  const checked = (commandTable[name].arguments as z.ZodType).safeParse(given);
  return checked.success ? [] : [...problemsByField(checked.error)].map(([field, message]) => ({ field, label: field, message }));
}

interface WhatPanelProps {
  name: Sendable;
  given: Readonly<Record<string, unknown>>;
  wrong: readonly WrongField[];
  onName: (name: Sendable) => void;
  /** Without a value the argument is left out, and what holds by default holds. */
  onSet: (path: ParamPath, value: unknown) => void;
}

function WhatPanel({ name, given, wrong, onName, onSet }: WhatPanelProps) {
  const { summary, arguments: schema } = commandTable[name];
  return (
    <Panel title="What">
      <Stack>
        <Select
          label="Command"
          required
          allowDeselect={false}
          description={summary}
          data={[...sendableCommandSchema.options]}
          value={name}
          onChange={(next) => onName(sendableCommandSchema.parse(next))}
        />
        {/* Fields of one command are not those of another, even where they have one name. */}
        <ParamForm key={name} fields={paramFieldsOf(schema)} values={given} onSet={onSet} />
        <WrongList wrong={wrong} />
      </Stack>
    </Panel>
  );
}

function PacePanel({ pace, onPace }: { pace: Pace; onPace: (change: Partial<Pace>) => void }) {
  return (
    <Panel title="How fast">
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        {paceFields.map(({ name, label, maximum }) => (
          <NumberInput
            key={name}
            label={label}
            min={1}
            max={maximum}
            clampBehavior="strict"
            allowDecimal={false}
            value={pace[name]}
            onChange={(value) => onPace({ [name]: typeof value === 'number' ? value : usual[name] })}
          />
        ))}
      </SimpleGrid>
    </Panel>
  );
}

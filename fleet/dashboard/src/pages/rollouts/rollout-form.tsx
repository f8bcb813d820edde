import { Checkbox, NativeSelect, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { Panel } from '../../parts/panel.tsx';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';
import type { RolloutFields } from './spec-from-form.ts';
import { StepsField } from './steps-field.tsx';

interface RolloutFormProps {
  fields: RolloutFields;
  onChange: (change: Partial<RolloutFields>) => void;
}

interface TextField {
  name: keyof RolloutFields;
  label: string;
  placeholder?: string;
  description?: string;
}

const pace: readonly TextField[] = [
  { name: 'maxInFlight', label: 'Devices at it at a time' },
  { name: 'perMinute', label: 'Devices started a minute', placeholder: 'no limit' },
  { name: 'megabytesPerMinute', label: 'Megabytes to fetch a minute', placeholder: 'no limit' },
  { name: 'spreadMaximum', label: 'At a time with one value of the label', placeholder: 'no limit' },
  { name: 'spreadLabel', label: 'Label of the uplink that they share' },
  { name: 'deviceTimeout', label: 'Time of one device', placeholder: '1h' },
];
const night: readonly TextField[] = [
  { name: 'windowCron', label: 'Window opens (cron)', placeholder: 'always; 0 1 * * * for one at night' },
  { name: 'windowFor', label: 'For', placeholder: '4h' },
  { name: 'timeZone', label: 'Time zone of devices without the label timezone', placeholder: 'Europe/Berlin' },
];
const judged: readonly TextField[] = [
  { name: 'canary', label: 'Canaries before all steps' },
  { name: 'successPercent', label: 'Success of a wave, percent' },
  { name: 'failurePercent', label: 'Too many failures, percent' },
  { name: 'failureMinimum', label: 'But only after so many devices' },
];

/** What, how fast, and what stops it. */
export function RolloutForm({ fields, onChange }: RolloutFormProps) {
  const text = ({ name, label, placeholder, description }: TextField) => (
    <TextInput
      key={name}
      label={label}
      description={description}
      placeholder={placeholder}
      value={String(fields[name])}
      onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
    />
  );
  return (
    <>
      <WhatPanel fields={fields} onChange={onChange} />
      <Panel title="In which steps" note="A wave is not left before its devices have ended, or their time is over.">
        <Stack>
          <StepsField steps={fields.steps} onChange={(steps) => onChange({ steps })} />
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>{judged.map(text)}</SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <NativeSelect
              label="What then"
              data={[
                { value: 'rollback', label: 'Every device goes back to what it had' },
                { value: 'abort', label: 'Nothing more is started' },
                { value: 'pause', label: 'It waits for a person' },
              ]}
              value={fields.onFailure}
              onChange={({ currentTarget: { value } }) => onChange({ onFailure: value as RolloutFields['onFailure'] })}
            />
            <TextInput
              label="Analysis template that judges all the time"
              placeholder="none"
              value={fields.analysis}
              onChange={({ currentTarget }) => onChange({ analysis: currentTarget.value })}
            />
          </SimpleGrid>
        </Stack>
      </Panel>
      <Panel title="How fast, and when">
        <Stack>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>{pace.map(text)}</SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>{night.map(text)}</SimpleGrid>
        </Stack>
      </Panel>
    </>
  );
}

function WhatPanel({ fields, onChange }: RolloutFormProps) {
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  const { vocabulary, problem, counts } = useSelectorCheck(fields.selector);
  return (
    <Panel title="What, and where">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="Name"
            required
            description="Small letters, digits, - and _"
            placeholder="signs-in-november"
            value={fields.name}
            onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
          />
          <Select
            label="Release"
            required
            searchable
            description="What its devices are to run"
            placeholder="Choose one"
            data={(releases.data?.items ?? []).map(({ name }) => name)}
            value={fields.release === '' ? null : fields.release}
            onChange={(release) => onChange({ release: release ?? '' })}
          />
        </SimpleGrid>
        <SelectorField
          label="Devices"
          description="A condition, a saved group such as group(&quot;kitchens&quot;), or true for all of them"
          value={fields.selector}
          onChange={(selector) => onChange({ selector })}
          {...{ vocabulary, problem, note: countWords(counts) }}
        />
        <Checkbox
          label="Devices that match later join"
          checked={fields.dynamic}
          onChange={({ currentTarget }) => onChange({ dynamic: currentTarget.checked })}
        />
        <Checkbox
          label="It is meant for every device of the fleet, should that be what is selected"
          checked={fields.all}
          onChange={({ currentTarget }) => onChange({ all: currentTarget.checked })}
        />
      </Stack>
    </Panel>
  );
}

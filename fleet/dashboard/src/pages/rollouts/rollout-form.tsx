import { Checkbox, Select, SimpleGrid, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { Panel } from '../../parts/panel.tsx';
import { Choice, DevicesField, type FormOf, NameField, type TextField, TextFields, WholeFleetField } from '../../parts/spec-fields.tsx';
import type { RolloutFields } from './spec-from-form.ts';
import { StepsField } from './steps-field.tsx';

type RolloutFormProps = FormOf<RolloutFields>;
type Line = TextField<RolloutFields>;

const pace: readonly Line[] = [
  { name: 'maxInFlight', path: 'maxInFlight' },
  { name: 'perMinute', path: 'rate.perMinute', placeholder: 'no limit' },
  { name: 'megabytesPerMinute', path: 'bandwidthBytesPerMinute', placeholder: 'no limit' },
  { name: 'spreadMaximum', path: 'spread.maxInFlight', placeholder: 'no limit' },
  { name: 'spreadLabel', path: 'spread.label' },
  { name: 'deviceTimeout', path: 'deviceTimeout', placeholder: '1h' },
];
const night: readonly Line[] = [
  { name: 'windowCron', path: 'windows.open.0.cron', placeholder: 'always; 0 1 * * * for one at night' },
  { name: 'windowFor', path: 'windows.open.0.for', placeholder: '4h' },
  { name: 'timeZone', path: 'windows.timeZone', placeholder: 'Europe/Berlin' },
];
const judged: readonly Line[] = [
  { name: 'canary', path: 'canary' },
  { name: 'successPercent', path: 'successPercent' },
  { name: 'failurePercent', path: 'failureThresholds.0.percent' },
  { name: 'failureMinimum', path: 'failureThresholds.0.minimumExecuted' },
];
const analysis: readonly Line[] = [{ name: 'analysis', path: 'analysis', placeholder: 'none' }];

/** What, how fast, and what stops it. */
export function RolloutForm(form: RolloutFormProps) {
  const { fields, onChange, problems } = form;
  return (
    <>
      <WhatPanel {...form} />
      <Panel title="In which steps" note="A wave is not left before its devices have ended, or their time is over.">
        <Stack>
          <StepsField steps={fields.steps} onChange={(steps) => onChange({ steps })} problems={problems} />
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
            <TextFields of={judged} {...form} />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Choice
              choices={{
                rollback: 'Every device goes back to what it had',
                abort: 'Nothing more is started',
                pause: 'It waits for a person',
              }}
              value={fields.onFailure}
              onChoose={(onFailure) => onChange({ onFailure })}
              {...problems.at('onFailure')}
            />
            <TextFields of={analysis} {...form} />
          </SimpleGrid>
        </Stack>
      </Panel>
      <Panel title="How fast, and when">
        <Stack>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            <TextFields of={pace} {...form} />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
            <TextFields of={night} {...form} />
          </SimpleGrid>
        </Stack>
      </Panel>
    </>
  );
}

function WhatPanel(form: RolloutFormProps) {
  const { fields, onChange, problems } = form;
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  return (
    <Panel title="What, and where">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NameField {...form} placeholder="signs-in-november" />
          <Select
            required
            searchable
            description="What its devices are to run"
            placeholder="Choose one"
            data={(releases.data?.items ?? []).map(({ name }) => name)}
            value={fields.release === '' ? null : fields.release}
            onChange={(release) => onChange({ release: release ?? '' })}
            {...problems.at('release')}
          />
        </SimpleGrid>
        <DevicesField {...form} />
        <Checkbox
          label="Devices that match later join"
          checked={fields.dynamic}
          onChange={({ currentTarget }) => onChange({ dynamic: currentTarget.checked })}
        />
        <WholeFleetField {...form} />
      </Stack>
    </Panel>
  );
}

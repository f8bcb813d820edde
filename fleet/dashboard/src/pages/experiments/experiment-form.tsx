import { Autocomplete, Checkbox, NativeSelect, Radio, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { type ExperimentMode, experimentModeSchema } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSelectorCheck } from '../../data/selector-check.ts';
import { Panel } from '../../parts/panel.tsx';
import { SelectorField } from '../../parts/selector-field.tsx';
import { countWords } from '../../parts/selector-words.ts';
import { ChallengersField } from './challengers-field.tsx';
import { measureWords, modeWords } from './experiment-words.ts';
import type { FieldProblems } from './field-problems.ts';
import { type ExperimentFields, measureOf, measuresOf } from './spec-from-form.ts';

interface ExperimentFormProps {
  fields: ExperimentFields;
  onChange: (change: Partial<ExperimentFields>) => void;
  problems: FieldProblems;
}

type TextName = { [Name in keyof ExperimentFields]: ExperimentFields[Name] extends string ? Name : never }[keyof ExperimentFields];

interface TextField {
  name: TextName;
  /** Where the schema has it. */
  path: string;
  label: string;
  placeholder?: string;
  description?: string;
}

const shadowFields: readonly TextField[] = [
  { name: 'shadowShare', path: 'shadow.share', label: 'Share of the items', description: 'That is copied, 0 to 1' },
  { name: 'maxCpuShare', path: 'shadow.maxCpuShare', label: 'Share of all cores', description: 'At most, 0 to 1' },
  {
    ...{ name: 'maxJoulesPerHour', path: 'shadow.maxJoulesPerHour', label: 'Joules an hour' },
    ...{ description: 'At most, of all challengers', placeholder: 'no limit' },
  },
];
const banditFields: readonly TextField[] = [
  { name: 'floor', path: 'bandit.floor', label: 'Share that every arm keeps', description: '0.001 to 0.5' },
  { name: 'update', path: 'bandit.update', label: 'Shares change every', description: 'Such as 10m' },
  { name: 'minimumOutcomes', path: 'bandit.minimumOutcomes', label: 'Outcomes of every arm', description: 'Before shares change' },
];
const stopFields: readonly TextField[] = [
  { name: 'after', path: 'stop.after', label: 'It ends after', description: 'Whatever is known; such as 14d' },
  { name: 'minimumPerArm', path: 'stop.minimumPerArm', label: 'Items of every arm', description: 'Before anything is decided' },
];

/** Who challenges whom, where, and what decides. */
export function ExperimentForm(props: ExperimentFormProps) {
  return (
    <>
      <WherePanel {...props} />
      <HowPanel {...props} />
      <GoalPanel {...props} />
      <EndPanel {...props} />
    </>
  );
}

function Texts({ of, fields, onChange, problems }: ExperimentFormProps & { of: readonly TextField[] }) {
  return of.map(({ name, path, ...words }) => (
    <TextInput
      key={name}
      {...words}
      value={fields[name]}
      onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value })}
      {...problems.at(path)}
    />
  ));
}

function WherePanel({ fields, onChange, problems }: ExperimentFormProps) {
  const { vocabulary, problem, counts } = useSelectorCheck(fields.selector);
  return (
    <Panel title="What, and where">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="Name"
            required
            description="Small letters, digits, - and _"
            placeholder="signs-duel"
            value={fields.name}
            onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
            {...problems.at('name')}
          />
          <TextInput
            label="Devices, at most"
            description="Drawn by chance from those that match"
            placeholder="no limit"
            value={fields.maximumDevices}
            onChange={({ currentTarget }) => onChange({ maximumDevices: currentTarget.value })}
            {...problems.at('maximumDevices')}
          />
        </SimpleGrid>
        <SelectorField
          label="Devices"
          isRequired
          description="A condition, a saved group such as group(&quot;kitchens&quot;), or true for all of them. Devices that match later join"
          value={fields.selector}
          onChange={(selector) => onChange({ selector })}
          {...{ vocabulary, problem, note: countWords(counts), error: problems.at('selector').error }}
        />
        <Checkbox
          label="It is meant for every device of the fleet, should that be what is selected"
          checked={fields.all}
          onChange={({ currentTarget }) => onChange({ all: currentTarget.checked })}
        />
        <Textarea
          label="What it is to find out"
          autosize
          minRows={1}
          maxRows={4}
          value={fields.description}
          onChange={({ currentTarget }) => onChange({ description: currentTarget.value })}
          {...problems.at('description')}
        />
      </Stack>
    </Panel>
  );
}

function HowPanel({ fields, onChange, problems }: ExperimentFormProps) {
  const { mode, challengers, champion, key } = fields;
  const releases = useQuery(read('listReleases', { query: { limit: 200 } }));
  const names = (releases.data?.items ?? []).map(({ name }) => name);
  // What could be judged in one mode may be nothing in another.
  const choose = (next: string): void => onChange({ mode: next as ExperimentMode, measure: '' });
  return (
    <Panel title="Who challenges, and how">
      <Stack>
        <Radio.Group label="Mode" value={mode} onChange={choose}>
          <SimpleGrid cols={{ base: 1, sm: 3 }} mt={4}>
            {experimentModeSchema.options.map((each) => (
              <Radio key={each} value={each} label={each} description={modeWords[each]} />
            ))}
          </SimpleGrid>
        </Radio.Group>
        <ChallengersField
          {...{ challengers, problems, releases: names, hasShares: mode === 'split' }}
          onChange={(changed) => onChange({ challengers: changed })}
        />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Autocomplete
            label="Champion"
            description="The release that is challenged"
            placeholder="the one that the devices run"
            data={names}
            value={champion}
            onChange={(release) => onChange({ champion: release })}
            {...problems.at('champion')}
          />
          <NativeSelect
            label="What goes the same way"
            description="Pipelines that remember need whole streams"
            data={[
              { value: 'item', label: 'Each item by itself' },
              { value: 'stream', label: 'All items of one source' },
            ]}
            value={key}
            onChange={({ currentTarget: { value } }) => onChange({ key: value as ExperimentFields['key'] })}
          />
        </SimpleGrid>
        {mode !== 'split' && (
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <Texts of={mode === 'shadow' ? shadowFields : banditFields} {...{ fields, onChange, problems }} />
          </SimpleGrid>
        )}
      </Stack>
    </Panel>
  );
}

function GoalPanel({ fields, onChange, problems }: ExperimentFormProps) {
  const measure = measureOf(fields);
  const templates = useQuery(read('listAnalysisTemplates', { query: { limit: 200 } }));
  return (
    <Panel title="What decides" note="Intervals hold at every look together, so one may look as often as one likes.">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
          <NativeSelect
            label="Judged by"
            description="What is compared, item by item"
            data={measuresOf[fields.mode].map((value) => ({ value, label: measureWords[value] }))}
            value={measure}
            onChange={({ currentTarget: { value } }) => onChange({ measure: value as ExperimentFields['measure'] })}
            {...problems.at('goal.measure')}
          />
          <Texts
            of={[
              ...(measure === 'agreement' ? [atLeastField] : []),
              { name: 'margin', path: 'goal.margin', label: 'Margin', description: 'A smaller difference is none' },
              { name: 'confidence', path: 'confidence', label: 'Confidence', description: 'Of all verdicts together, 0.5 to 0.9999' },
            ]}
            {...{ fields, onChange, problems }}
          />
        </SimpleGrid>
        {measure === 'reward' && <RewardFields {...{ fields, onChange, problems }} />}
        <Autocomplete
          label="Guards"
          description="Analysis template with what a challenger must keep, such as latency or energy"
          placeholder="none"
          data={(templates.data?.items ?? []).map(({ name }) => name)}
          value={fields.guards}
          onChange={(guards) => onChange({ guards })}
          {...problems.at('guards')}
        />
      </Stack>
    </Panel>
  );
}

const atLeastField: TextField = {
  ...{ name: 'atLeast', path: 'goal.atLeast', label: 'Agreement, at least' },
  ...{ description: 'The share that is wanted, 0 to 1', placeholder: '0.98' },
};

function RewardFields({ fields, onChange, problems }: ExperimentFormProps) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      <NativeSelect
        label="Better is"
        description="Of two outcomes"
        data={['higher', 'lower']}
        value={fields.better}
        onChange={({ currentTarget: { value } }) => onChange({ better: value as ExperimentFields['better'] })}
      />
      <NativeSelect
        label="Outcomes are"
        description="What comes back as feedback"
        data={[
          { value: 'binary', label: 'yes or no' },
          { value: 'continuous', label: 'any number' },
        ]}
        value={fields.values}
        onChange={({ currentTarget: { value } }) => onChange({ values: value as ExperimentFields['values'] })}
      />
      <TextInput
        label="What labels are worth"
        description="Where labels come back"
        placeholder="kept=1, returned=0"
        value={fields.labels}
        onChange={({ currentTarget }) => onChange({ labels: currentTarget.value })}
        {...problems.at('goal.labels')}
      />
    </SimpleGrid>
  );
}

function EndPanel({ fields, onChange, problems }: ExperimentFormProps) {
  return (
    <Panel title="When it begins and ends">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <Texts of={stopFields} {...{ fields, onChange, problems }} />
          <NativeSelect
            label="When one is surely better"
            description="Or surely none is"
            data={[
              { value: 'conclude', label: 'It ends' },
              { value: 'go-on', label: 'It goes on' },
            ]}
            value={fields.onEvidence}
            onChange={({ currentTarget: { value } }) => onChange({ onEvidence: value as ExperimentFields['onEvidence'] })}
          />
          <NativeSelect
            label="When challengers do harm"
            description="All are worse, or fail a guard"
            data={[
              { value: 'stop', label: 'It stops' },
              { value: 'pause', label: 'It waits for a person' },
              { value: 'go-on', label: 'It goes on' },
            ]}
            value={fields.onHarm}
            onChange={({ currentTarget: { value } }) => onChange({ onHarm: value as ExperimentFields['onHarm'] })}
          />
        </SimpleGrid>
        <Checkbox
          label="It pauses where the arms got other shares of the items than they should"
          checked={fields.sampleRatio}
          onChange={({ currentTarget }) => onChange({ sampleRatio: currentTarget.checked })}
        />
        <Checkbox
          label="It starts at once; otherwise it waits as a draft"
          checked={fields.start}
          onChange={({ currentTarget }) => onChange({ start: currentTarget.checked })}
        />
      </Stack>
    </Panel>
  );
}

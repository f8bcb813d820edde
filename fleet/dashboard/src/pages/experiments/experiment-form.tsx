import { Autocomplete, Checkbox, Radio, SimpleGrid, Stack, Textarea } from '@mantine/core';
import { type ExperimentMode, experimentModeSchema } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { Panel } from '../../parts/panel.tsx';
import { Choice, DevicesField, type FormOf, NameField, type TextField, TextFields, WholeFleetField } from '../../parts/spec-fields.tsx';
import { ChallengersField } from './challengers-field.tsx';
import { experimentLabel } from './experiment-labels.ts';
import { measureWords, modeWords } from './experiment-words.ts';
import { type ExperimentFields, measureOf, measuresOf } from './spec-from-form.ts';

type ExperimentFormProps = FormOf<ExperimentFields>;
type Line = TextField<ExperimentFields>;

const shadowFields: readonly Line[] = [
  { name: 'shadowShare', path: 'shadow.share', description: 'That is copied, 0 to 1' },
  { name: 'maxCpuShare', path: 'shadow.maxCpuShare', description: 'At most, 0 to 1' },
  { name: 'maxJoulesPerHour', path: 'shadow.maxJoulesPerHour', description: 'At most, of all challengers', placeholder: 'no limit' },
];
const banditFields: readonly Line[] = [
  { name: 'floor', path: 'bandit.floor', description: '0.001 to 0.5' },
  { name: 'update', path: 'bandit.update', description: 'Such as 10m' },
  { name: 'minimumOutcomes', path: 'bandit.minimumOutcomes', description: 'Before shares change' },
];
const stopFields: readonly Line[] = [
  { name: 'after', path: 'stop.after', description: 'Whatever is known; such as 14d' },
  { name: 'minimumPerArm', path: 'stop.minimumPerArm', description: 'Before anything is decided' },
];
const most: Line = {
  ...{ name: 'maximumDevices', path: 'maximumDevices' },
  ...{ description: 'Drawn by chance from those that match', placeholder: 'no limit' },
};
const agreement: Line = { name: 'atLeast', path: 'goal.atLeast', description: 'The share that is wanted, 0 to 1', placeholder: '0.98' };
const margins: readonly Line[] = [
  { name: 'margin', path: 'goal.margin', description: 'A smaller difference is none' },
  { name: 'confidence', path: 'confidence', description: 'Of all verdicts together, 0.5 to 0.9999' },
];
const worth: Line = { name: 'labels', path: 'goal.labels', description: 'Where labels come back', placeholder: 'kept=1, returned=0' };

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

function WherePanel({ fields, onChange, problems }: ExperimentFormProps) {
  const form = { fields, onChange, problems };
  return (
    <Panel title="What, and where">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NameField {...form} placeholder="signs-duel" />
          <TextFields {...form} of={[most]} />
        </SimpleGrid>
        <DevicesField {...form} note=". Devices that match later join" />
        <WholeFleetField {...form} />
        <Textarea
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
        <Radio.Group label={experimentLabel('mode')} value={mode} onChange={choose}>
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
            description="The release that is challenged"
            placeholder="the one that the devices run"
            data={names}
            value={champion}
            onChange={(release) => onChange({ champion: release })}
            {...problems.at('champion')}
          />
          <Choice
            description="Pipelines that remember need whole streams"
            choices={{ item: 'Each item by itself', stream: 'All items of one source' }}
            value={key}
            onChoose={(next) => onChange({ key: next })}
            {...problems.at('key')}
          />
        </SimpleGrid>
        {mode !== 'split' && (
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <TextFields of={mode === 'shadow' ? shadowFields : banditFields} {...{ fields, onChange, problems }} />
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
          <Choice
            description="What is compared, item by item"
            choices={measureWords}
            of={measuresOf[fields.mode]}
            value={measure}
            onChoose={(next) => onChange({ measure: next })}
            {...problems.at('goal.measure')}
          />
          <TextFields of={[...(measure === 'agreement' ? [agreement] : []), ...margins]} {...{ fields, onChange, problems }} />
        </SimpleGrid>
        {measure === 'reward' && <RewardFields {...{ fields, onChange, problems }} />}
        <Autocomplete
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

function RewardFields({ fields, onChange, problems }: ExperimentFormProps) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 3 }}>
      <Choice
        description="Of two outcomes"
        choices={{ higher: 'higher', lower: 'lower' }}
        value={fields.better}
        onChoose={(better) => onChange({ better })}
        {...problems.at('goal.better')}
      />
      <Choice
        description="What comes back as feedback"
        choices={{ binary: 'yes or no', continuous: 'any number' }}
        value={fields.values}
        onChoose={(values) => onChange({ values })}
        {...problems.at('goal.values')}
      />
      <TextFields of={[worth]} {...{ fields, onChange, problems }} />
    </SimpleGrid>
  );
}

function EndPanel({ fields, onChange, problems }: ExperimentFormProps) {
  return (
    <Panel title="When it begins and ends">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextFields of={stopFields} {...{ fields, onChange, problems }} />
          <Choice
            description="Or surely none is"
            choices={{ conclude: 'It ends', 'go-on': 'It goes on' }}
            value={fields.onEvidence}
            onChoose={(onEvidence) => onChange({ onEvidence })}
            {...problems.at('stop.onEvidence')}
          />
          <Choice
            description="All are worse, or fail a guard"
            choices={{ stop: 'It stops', pause: 'It waits for a person', 'go-on': 'It goes on' }}
            value={fields.onHarm}
            onChoose={(onHarm) => onChange({ onHarm })}
            {...problems.at('stop.onHarm')}
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

import { Button, Checkbox, Group, Modal, NativeSelect, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { buildMethodSchema, buildTargetSchema, calibrationMethodSchema, isStarlingError, type ModelView } from '@starling/shared';
import { type FormEvent, useState } from 'react';
import { useChange } from '../../data/queries.ts';
import { announce } from '../../parts/notice.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { calibrationWords, methodWords, targetWords } from '../../parts/recipe-words.ts';
import { freeInputs, hasTarget, recipeFromForm } from './recipe-from-form.ts';

/** Asks for one more artefact of a model version, by a recipe. */
export function BuildDialog({ model, onClose }: { model: ModelView; onClose: () => void }) {
  const [method, setMethod] = useState('weights-int8');
  const [problem, setProblem] = useState<unknown>();
  const add = useChange('addBuild', {
    makesOld: ['listBuilds', 'showModel'],
    onDone: ({ state, label }) => {
      announce(state === 'done' ? `${label} was built before` : `${label} is ${state}`);
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    setProblem(undefined);
    try {
      const recipe = recipeFromForm(fieldsOf(new FormData(event.currentTarget), method, model));
      add.mutate({ params: { digest: model.digest }, body: { recipe } });
    } catch (error) {
      if (!isStarlingError(error)) throw error;
      setProblem(error);
    }
  };
  const shown = problem ?? add.error;
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={`Build another artefact of ${model.name}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit}>
        <Stack>
          <NativeSelect
            label="Method"
            data={buildMethodSchema.options.map((value) => ({ value, label: methodWords[value] }))}
            value={method}
            onChange={({ currentTarget }) => setMethod(currentTarget.value)}
            data-autofocus
          />
          <RecipeParts method={method} model={model} />
          {shown !== null && <ProblemAlert error={shown} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={add.isPending}>
              Build
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function RecipeParts({ method, model: { document } }: { method: string; model: ModelView }) {
  const { datasets, inputs } = document;
  const isStatic = method === 'static-int8';
  return (
    <>
      {isStatic && datasets?.calibration === undefined && (
        <Text size="sm">This version came without a calibration set, so static quantisation has nothing to learn its ranges from.</Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {hasTarget(method) && (
          <NativeSelect label="For" name="target" data={buildTargetSchema.options.map((value) => ({ value, label: targetWords[value] }))} />
        )}
        {isStatic && <CalibrationParts />}
        {datasets?.evaluation !== undefined && (
          <TextInput label="Accuracy budget, points" name="budget" inputMode="decimal" placeholder="no budget" />
        )}
        {method !== 'source' && (
          <TextInput
            label="Zeros, % of the weights"
            name="sparsityPercent"
            inputMode="decimal"
            placeholder="none"
            description="Saves bytes on the wire, not time."
          />
        )}
        {method !== 'source' &&
          freeInputs(inputs).map(({ name, shape }) => (
            <TextInput
              key={name}
              label={`Fixed shape of ${name}`}
              name={`shape ${name}`}
              placeholder={shape.join(' x ')}
              description="Empty: it stays free."
            />
          ))}
      </SimpleGrid>
      {isStatic && (
        <Group>
          <Checkbox name="equalise" label="Equalise layers first" />
          <Checkbox name="biasCorrection" label="Correct biases" />
        </Group>
      )}
    </>
  );
}

function CalibrationParts() {
  const [ranges, setRanges] = useState('percentile');
  return (
    <>
      <NativeSelect
        label="Ranges by"
        name="calibration"
        data={calibrationMethodSchema.options.map((value) => ({ value, label: calibrationWords[value] }))}
        value={ranges}
        onChange={({ currentTarget }) => setRanges(currentTarget.value)}
      />
      {ranges === 'percentile' && <TextInput label="Share in range, %" name="percentile" inputMode="decimal" defaultValue="99.99" />}
      <TextInput label="Samples at most" name="samples" inputMode="numeric" defaultValue="128" />
    </>
  );
}

function fieldsOf(form: FormData, method: string, { document }: ModelView) {
  const text = (name: string, absent = ''): string => String(form.get(name) ?? absent);
  return {
    method,
    target: text('target', 'portable'),
    calibration: text('calibration', 'percentile'),
    percentile: text('percentile'),
    samples: text('samples'),
    budget: text('budget'),
    sparsityPercent: text('sparsityPercent'),
    equalise: form.get('equalise') !== null,
    biasCorrection: form.get('biasCorrection') !== null,
    shapes: Object.fromEntries(freeInputs(document.inputs).map(({ name }) => [name, text(`shape ${name}`)])),
  };
}

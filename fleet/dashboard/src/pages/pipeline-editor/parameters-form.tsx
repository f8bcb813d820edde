import { Stack, Title } from '@mantine/core';
import { checkDeclarations, type Parameter } from '@starling/shared';
import { CommitChoice, CommitNumber, CommitText } from './commit-fields.tsx';
import type { Edit } from './edit-document.ts';
import { EntryFrame } from './entry-frame.tsx';
import { NameAdder } from './name-adder.tsx';

type Default = Parameter['default'];
type DefaultType = 'string' | 'number' | 'boolean';

const fresh: Readonly<Record<DefaultType, Default>> = { string: '', number: 0, boolean: false };
const overridableWords = { never: 'nobody', release: 'the release', device: 'the release and the device' } as const;

interface ParametersFormProps {
  parameters: Readonly<Record<string, Parameter>>;
  onEdit: (...edits: Edit[]) => void;
}

/** Values that are named once, used as `${name}`, and set by releases and devices. */
export function ParametersForm({ parameters, onEdit }: ParametersFormProps) {
  return (
    <Stack gap="xs">
      <Title order={4} size="h6">
        Parameters
      </Title>
      {Object.entries(parameters).map(([name, parameter]) => (
        <ParameterEntry key={name} {...{ name, parameter, onEdit }} />
      ))}
      <NameAdder
        word="parameter"
        taken={Object.keys(parameters)}
        onAdd={(name) => onEdit({ kind: 'set', path: ['parameters', name], value: { default: '' } })}
      />
    </Stack>
  );
}

function ParameterEntry({ name, parameter, onEdit }: { name: string; parameter: Parameter; onEdit: ParametersFormProps['onEdit'] }) {
  const set = (key: string, value: unknown): void => onEdit({ kind: 'set', path: ['parameters', name, key], value });
  const problems = checkDeclarations({ [name]: parameter });
  const saidOf = (key: BoundedKey) => ({
    error: problems.find(({ field }) => field === `parameters.${name}.${key}`)?.message,
    errorOf: (value: number | undefined) => checkDeclarations({ [name]: withNumber(parameter, key, value) })[0]?.message,
  });
  return (
    <EntryFrame word="parameter" name={name} onRemove={() => onEdit({ kind: 'set', path: ['parameters', name] })}>
      <CommitChoice
        label="Type"
        choices={{ string: 'text', number: 'number', boolean: 'yes or no' }}
        value={typeof parameter.default as DefaultType}
        onCommit={(type) => set('default', fresh[type])}
      />
      <DefaultField value={parameter.default} said={saidOf('default')} onCommit={(value) => set('default', value)} />
      {typeof parameter.default === 'number' && (
        <>
          <CommitNumber label="Least" {...saidOf('minimum')} value={parameter.minimum} onCommit={(value) => set('minimum', value)} />
          <CommitNumber label="Most" {...saidOf('maximum')} value={parameter.maximum} onCommit={(value) => set('maximum', value)} />
        </>
      )}
      <CommitChoice
        label="Who may give another value"
        choices={overridableWords}
        value={parameter.overridable}
        onCommit={(value) => set('overridable', value === 'release' ? undefined : value)}
      />
      <CommitText
        label="Description"
        value={parameter.description}
        onCommit={(value) => set('description', value === '' ? undefined : value)}
      />
    </EntryFrame>
  );
}

type BoundedKey = 'default' | 'minimum' | 'maximum';

function withNumber(parameter: Parameter, key: BoundedKey, value: number | undefined): Parameter {
  const { [key]: _before, ...rest } = parameter;
  return { default: 0, ...rest, ...(value === undefined ? {} : { [key]: value }) };
}

interface DefaultFieldProps {
  value: Default;
  said: { error: string | undefined; errorOf: (value: number | undefined) => string | undefined };
  onCommit: (value: Default) => void;
}

function DefaultField({ value, said, onCommit }: DefaultFieldProps) {
  if (typeof value === 'number') return <CommitNumber label="Default" {...said} value={value} onCommit={(next) => onCommit(next ?? 0)} />;
  if (typeof value === 'string') return <CommitText label="Default" error={said.error} value={value} onCommit={onCommit} />;
  return (
    <CommitChoice
      label="Default"
      choices={{ true: 'yes', false: 'no' }}
      value={String(value)}
      onCommit={(next) => onCommit(next === 'true')}
    />
  );
}

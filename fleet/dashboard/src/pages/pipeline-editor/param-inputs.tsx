import { ActionIcon, Group, Menu, MultiSelect, Select, TagsInput } from '@mantine/core';
import { IconVariable } from '@tabler/icons-react';
import { type ReactNode, useContext, useState } from 'react';
import { parse, stringify } from 'yaml';
import { CommitLines, CommitNumber, CommitText } from './commit-fields.tsx';
import { ParamContext } from './param-context.ts';
import { isReference, type ParamField, parameterNamed } from './param-fields.ts';
import { readNumbers, readPoints } from './read-numbers.ts';

/** What every field of a parameter has. */
export interface CommonProps {
  label: string;
  description: string;
  error: string | undefined;
  required: boolean;
  placeholder: string;
  'data-field': string;
  'aria-label'?: string;
}

type FieldProps = CommonProps & { value: unknown; onSet: (value: unknown) => void };

/** Lists what the field may stand for beside a value of its own. */
function WithParameters({ label, onSet, children }: { label: string; onSet: (value: string) => void; children: ReactNode }) {
  const { parameters } = useContext(ParamContext);
  if (parameters.length === 0) return <>{children}</>;
  return (
    <Group gap={4} wrap="nowrap" align="flex-end">
      <div style={{ flex: 1, minWidth: 0 }}>{children}</div>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label={`Take ${label} from a parameter`}>
            <IconVariable size={15} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Parameters of the pipeline</Menu.Label>
          {parameters.map((name) => (
            <Menu.Item key={name} onClick={() => onSet(`\${${name}}`)}>
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

/** The field stands for a parameter of the pipeline: another may be chosen, or none, and the field has a value of its own again. */
export function ParameterInput({ value, parameters, onSet, ...common }: FieldProps & { parameters: readonly string[] }) {
  const name = parameterNamed(value) ?? '';
  return (
    <Select
      size="xs"
      {...common}
      leftSection={<IconVariable size={14} aria-label="parameter" />}
      clearable
      clearButtonProps={{ 'aria-label': `Give ${common.label} a value of its own` }}
      data={parameters.includes(name) ? [...parameters] : [name, ...parameters]}
      value={name}
      onChange={(next) => onSet(next === null ? undefined : `\${${next}}`)}
    />
  );
}

/** A text of which a part is a parameter. */
export function ReferenceText({ value, onSet, ...common }: FieldProps & { value: string }) {
  return <CommitText {...common} value={value} onCommit={(next) => onSet(next === '' ? undefined : typed(next))} />;
}

/** Any value on one line: a number, a word, or a list or an object as YAML writes them, for which the field then has more lines. */
export function AnyField({ common, value, set }: LeafProps) {
  return (
    <WithParameters label={common.label} onSet={set}>
      <CommitText
        {...common}
        value={value === undefined ? '' : stringify(value).trim()}
        onCommit={(text) => set(text === '' ? undefined : typed(text))}
      />
    </WithParameters>
  );
}

/** What is written in a field that stood for a parameter: a number is one again. */
function typed(text: string): unknown {
  try {
    return isReference(text) ? text : (parse(text) as unknown);
  } catch {
    return text;
  }
}

interface LeafProps {
  common: CommonProps;
  value: unknown;
  set: (value: unknown) => void;
}

export function NumberField({ field, common, value, set }: LeafProps & { field: Extract<ParamField, { kind: 'number' }> }) {
  return (
    <WithParameters label={common.label} onSet={set}>
      <CommitNumber
        {...common}
        value={typeof value === 'number' ? value : undefined}
        onCommit={set}
        allowDecimal={!field.isInteger}
        clampBehavior="none"
        errorOf={(typed) => outOfRange(field, typed)}
        {...(field.minimum !== undefined && { min: field.minimum })}
        {...(field.maximum !== undefined && { max: field.maximum })}
      />
    </WithParameters>
  );
}

/** @returns what is wrong with a number, in words */
function outOfRange({ minimum, maximum }: Extract<ParamField, { kind: 'number' }>, value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (minimum !== undefined && value < minimum) return `has to be at least ${minimum}`;
  return maximum !== undefined && value > maximum ? `has to be at most ${maximum}` : undefined;
}

export function TextField({ common, value, set }: LeafProps) {
  return (
    <WithParameters label={common.label} onSet={set}>
      <CommitText {...common} value={typeof value === 'string' ? value : ''} onCommit={(text) => set(text === '' ? undefined : text)} />
    </WithParameters>
  );
}

type ChoiceProps = CommonProps & { options: readonly string[]; value: unknown; onSet: (text: string | undefined) => void };

export function Choice({ options, value, onSet, ...common }: ChoiceProps) {
  return (
    <WithParameters label={common.label} onSet={onSet}>
      <Select
        size="xs"
        {...common}
        clearable={!common.required}
        clearButtonProps={{ 'aria-label': `Clear ${common.label}` }}
        data={[...options]}
        value={value === undefined ? null : String(value)}
        onChange={(next) => onSet(next ?? undefined)}
      />
    </WithParameters>
  );
}

export function OptionsInput({ options, value, onSet, placeholder, ...common }: FieldProps & { options: readonly string[] }) {
  const chosen = Array.isArray(value) ? value.map(String) : [];
  return (
    <MultiSelect
      size="xs"
      {...common}
      placeholder={chosen.length === 0 ? placeholder : ''}
      data={[...options]}
      value={chosen}
      onChange={(next) => onSet(next.length === 0 ? undefined : next)}
    />
  );
}

/** A list of words: each counts with the enter key or a comma. */
export function TextsInput({ value, onSet, placeholder, ...common }: FieldProps) {
  const words = Array.isArray(value) ? value.map(String) : [];
  return (
    <TagsInput
      size="xs"
      {...common}
      placeholder={words.length === 0 ? placeholder : ''}
      acceptValueOnBlur
      value={words}
      onChange={(next) => onSet(next.length === 0 ? undefined : next)}
    />
  );
}

export function NumbersInput({ value, count, onSet, error, placeholder, ...common }: FieldProps & { count: number | undefined }) {
  const [problem, setProblem] = useState<string>();
  return (
    <CommitText
      {...common}
      placeholder={placeholder.replaceAll(/[[\]]/g, '').trim()}
      error={problem ?? error}
      value={Array.isArray(value) ? value.join(', ') : ''}
      onCommit={(text) => {
        const numbers = readNumbers(text);
        const isRight = numbers !== undefined && (count === undefined || numbers.length === count || numbers.length === 0);
        setProblem(isRight ? undefined : `write ${count ?? 'some'} numbers, separated by commas`);
        if (isRight) onSet(numbers.length === 0 ? undefined : numbers);
      }}
    />
  );
}

export function PointsInput({ value, onSet, error, placeholder: _placeholder, ...common }: FieldProps) {
  const [problem, setProblem] = useState<string>();
  const points = Array.isArray(value) ? (value as number[][]) : [];
  return (
    <CommitLines
      {...common}
      placeholder={'0.1, 0.2\n0.9, 0.2'}
      error={problem ?? error}
      value={points.map((point) => point.join(', ')).join('\n')}
      onCommit={(text) => {
        const read = readPoints(text);
        setProblem(read === undefined ? 'write one point a line, as x, y' : undefined);
        if (read !== undefined) onSet(read.length === 0 ? undefined : read);
      }}
    />
  );
}

/** A file of a model of the graph, chosen among those that there are. */
export function AssetInput({ value, onSet, placeholder: _placeholder, ...common }: FieldProps) {
  const { assets } = useContext(ParamContext);
  const { model, asset } = (value ?? {}) as { model?: unknown; asset?: unknown };
  const now = typeof model === 'string' && typeof asset === 'string' ? `${model}/${asset}` : null;
  const known = assets.map((each) => `${each.model}/${each.asset}`);
  return (
    <Select
      size="xs"
      {...common}
      placeholder={known.length === 0 ? 'no model of this graph has a file' : 'model/file'}
      data={now === null || known.includes(now) ? known : [now, ...known]}
      value={now}
      clearable={!common.required}
      clearButtonProps={{ 'aria-label': `Clear ${common.label}` }}
      onChange={(next) => {
        const [of, name] = next?.split('/') ?? [];
        onSet(of === undefined || name === undefined ? undefined : { model: of, asset: name });
      }}
    />
  );
}

/** What no other field can hold, as it stands in the document. */
export function YamlInput({ value, onSet, error, ...common }: FieldProps) {
  const [problem, setProblem] = useState<string>();
  const text = value === undefined ? '' : stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  return (
    <CommitLines
      {...common}
      error={problem ?? error}
      value={text}
      onCommit={(next) => {
        try {
          setProblem(undefined);
          onSet(next.trim() === '' ? undefined : (parse(next) as unknown));
        } catch {
          setProblem('This is no YAML; write a list as [1, 2] and an object as { a: 1 }.');
        }
      }}
    />
  );
}

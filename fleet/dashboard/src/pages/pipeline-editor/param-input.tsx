import { ActionIcon, Button, Fieldset, Group, Input, Select, Stack, Text } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { type ReactNode, useContext, useState } from 'react';
import { stringify } from 'yaml';
import { CommitText } from './commit-fields.tsx';
import { freeName } from './edit-document.ts';
import { NameAdder } from './name-adder.tsx';
import { ParamContext, type ParamPath, useProblem } from './param-context.ts';
import { firstValueOf, firstValuesOf, isReference, isShownBy, type ParamField, parameterNamed } from './param-fields.ts';
import {
  AnyField,
  AssetInput,
  Choice,
  type CommonProps,
  NumberField,
  NumbersInput,
  OptionsInput,
  ParameterInput,
  PointsInput,
  ReferenceText,
  TextField,
  TextsInput,
  YamlInput,
} from './param-inputs.tsx';

interface ParamInputProps {
  field: ParamField;
  /** Where it stands in `params`. */
  path: ParamPath;
  /** What it is called, where its name does not say it. */
  label?: string;
  value: unknown;
  /** Without a value what stands at the path is left out, and what holds by default holds. */
  /** @param renamed the entry of the value that has another name now */
  onSet: (path: ParamPath, value: unknown, renamed?: { name: string; to: string }) => void;
}

const groups: readonly ParamField['kind'][] = ['object', 'rows', 'named', 'variants'];

/** One parameter, as a field of its kind. */
export function ParamInput({ field, path, label = field.name, value, onSet }: ParamInputProps) {
  const isGroup = groups.includes(field.kind) && isShownBy(field, value) && !isReference(value);
  const error = useProblem(path, !isGroup);
  const { parameters } = useContext(ParamContext);
  const { description, isRequired, fallback } = field;
  const placeholder =
    fallback === undefined ? '' : typeof fallback === 'object' ? stringify(fallback, { collectionStyle: 'flow' }).trim() : String(fallback);
  const common: CommonProps = {
    ...{ label, description, error, required: isRequired && fallback === undefined, placeholder },
    'data-field': path.join('.'),
    // Where a label is not unique, whoever listens hears the whole path.
    ...(path.length > 1 ? { 'aria-label': path.join(' ') } : {}),
  };
  const set = (next: unknown): void => onSet(path, next);
  if (parameterNamed(value) !== undefined) return <ParameterInput {...common} value={value} parameters={parameters} onSet={set} />;
  if (isReference(value)) return <ReferenceText {...common} value={value} onSet={set} />;
  if (!isShownBy(field, value)) return <YamlInput {...common} value={value} onSet={set} />;
  return <ByKind {...{ field, path, common, value, onSet, set }} />;
}

interface ByKindProps extends Pick<ParamInputProps, 'field' | 'path' | 'value' | 'onSet'> {
  common: CommonProps;
  set: (value: unknown) => void;
}

function ByKind({ field, path, common, value, onSet, set }: ByKindProps) {
  switch (field.kind) {
    case 'number':
      return <NumberField {...{ field, common, value, set }} />;
    case 'flag':
      return (
        <Choice
          {...common}
          options={['true', 'false']}
          value={value}
          onSet={(text) => set(text === 'true' || text === 'false' ? text === 'true' : text)}
        />
      );
    case 'choice':
      return (
        <Choice
          {...common}
          options={field.options.map(String)}
          value={value}
          onSet={(text) => set(field.options.find((option) => String(option) === text) ?? text)}
        />
      );
    case 'text':
      return <TextField {...{ common, value, set }} />;
    case 'any':
      return <AnyField {...{ common, value, set }} />;
    case 'numbers':
      return <NumbersInput {...common} value={value} count={field.count} onSet={set} />;
    case 'texts':
      return <TextsInput {...common} value={value} onSet={set} />;
    case 'choices':
      return <OptionsInput {...common} options={field.options} value={value} onSet={set} />;
    case 'points':
      return <PointsInput {...common} value={value} onSet={set} />;
    case 'asset':
      return <AssetInput {...common} value={value} onSet={set} />;
    case 'object':
      return <ObjectInput {...{ field, path, common, value, onSet }} />;
    case 'variants':
      return <VariantsInput {...{ field, path, common, value, onSet }} />;
    case 'rows':
      return <RowsInput {...{ field, path, common, value, onSet }} />;
    case 'named':
      return <NamedInput {...{ field, path, common, value, onSet }} />;
    default:
      return <YamlInput {...common} value={value} onSet={set} />;
  }
}

interface GroupProps<Kind extends ParamField['kind']> {
  field: Extract<ParamField, { kind: Kind }>;
  path: ParamPath;
  common: CommonProps;
  value: unknown;
  onSet: ParamInputProps['onSet'];
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function Frame({ common, children }: { common: CommonProps; children: ReactNode }) {
  return (
    <Fieldset p="xs" legend={common.label} aria-label={common['aria-label'] ?? common.label}>
      <Stack gap={6}>
        {common.description !== '' && <Input.Description size="xs">{common.description}</Input.Description>}
        {common.error !== undefined && <Input.Error size="xs">{common.error}</Input.Error>}
        {children}
      </Stack>
    </Fieldset>
  );
}

/** The keys that an object may have, each as a field. An object of which nothing is left is gone. */
function ObjectInput({ field, path, common, value, onSet }: GroupProps<'object'>) {
  return (
    <Frame common={common}>
      <Fields fields={field.fields} {...{ path, value, onSet }} />
    </Frame>
  );
}

function Fields({ fields, path, value, onSet }: { fields: readonly ParamField[] } & Pick<ParamInputProps, 'path' | 'value' | 'onSet'>) {
  const values = asObject(value);
  const set = (at: ParamPath, next: unknown): void => {
    const isLast = next === undefined && at.length === path.length + 1 && Object.keys(values).length === 1;
    onSet(isLast && path.every((part) => typeof part === 'string') ? path : at, next);
  };
  return (
    <>
      {fields.map((each) => (
        <ParamInput key={each.name} field={each} path={[...path, each.name]} value={values[each.name]} onSet={set} />
      ))}
    </>
  );
}

/** First which form it has, then the keys of that form. */
function VariantsInput({ field: { key, variants }, path, common, value, onSet }: GroupProps<'variants'>) {
  const now = String(asObject(value)[key] ?? '');
  const form = variants.find((each) => each.value === now);
  return (
    <Frame common={common}>
      <Select
        size="xs"
        label={key}
        aria-label={[...path, key].join(' ')}
        data={variants.map((each) => each.value)}
        value={now === '' ? null : now}
        allowDeselect={false}
        onChange={(next) => {
          const chosen = variants.find((each) => each.value === next);
          if (chosen !== undefined) onSet(path, { ...kept(asObject(value), chosen.fields), [key]: chosen.value });
        }}
      />
      {form !== undefined && <Fields fields={form.fields} {...{ path, value, onSet }} />}
    </Frame>
  );
}

/** What another form has too stays as it is. */
function kept(values: Readonly<Record<string, unknown>>, fields: readonly ParamField[]): Record<string, unknown> {
  const names = new Set(fields.map(({ name }) => name));
  return { ...firstValuesOf(fields), ...Object.fromEntries(Object.entries(values).filter(([name]) => names.has(name))) };
}

/** A list of objects, each with its fields. */
function RowsInput({ field, path, common, value, onSet }: GroupProps<'rows'>) {
  const rows: unknown[] = Array.isArray(value) ? value : [];
  const add = (): void => {
    const first = firstValueOf(field.item);
    onSet(rows.length === 0 ? path : [...path, rows.length], rows.length === 0 ? [first] : first);
  };
  return (
    <Frame common={common}>
      {rows.map((row, index) => (
        <Entry
          // biome-ignore lint/suspicious/noArrayIndexKey: rows are told apart by their place alone
          key={index}
          name={`${index + 1}`}
          path={[...path, index]}
          onRemove={() => onSet(rows.length === 1 ? path : [...path, index], undefined)}
        >
          <ItemInput item={field.item} path={[...path, index]} value={row} onSet={onSet} />
        </Entry>
      ))}
      <Button size="compact-xs" variant="default" leftSection={<IconPlus size={13} aria-hidden />} onClick={add}>
        {`Add to ${common.label}`}
      </Button>
    </Frame>
  );
}

/** Names that one chooses, each with its value. */
function NamedInput({ field, path, common, value, onSet }: GroupProps<'named'>) {
  const entries = Object.entries(asObject(value));
  const others = (name: string): string[] => entries.map(([other]) => other).filter((other) => other !== name);
  // In its place: the order of cases has a meaning.
  const rename = (name: string, to: string): void =>
    onSet(path, Object.fromEntries(entries.map(([each, held]) => [each === name ? to : each, held])), { name, to });
  return (
    <Frame common={common}>
      {entries.map(([name, each]) => (
        <Entry
          key={name}
          name={name}
          title={<EntryName {...{ name, path, taken: others(name) }} onRename={(to) => rename(name, to)} />}
          path={[...path, name]}
          onRemove={() => onSet(entries.length === 1 ? path : [...path, name], undefined)}
        >
          <ItemInput item={field.item} path={[...path, name]} value={each} onSet={onSet} />
        </Entry>
      ))}
      <NameAdder
        word={`entry of ${common.label}`}
        taken={entries.map(([name]) => name)}
        onAdd={(name) => onSet([...path, name], firstValueOf(field.item))}
      />
    </Frame>
  );
}

/** What a list or an object holds: its fields without a frame of their own, since it stands in one. */
function ItemInput({ item, path, value, onSet }: Pick<ParamInputProps, 'path' | 'value' | 'onSet'> & { item: ParamField }) {
  if (item.kind === 'object') return <Fields fields={item.fields} {...{ path, value, onSet }} />;
  return <ParamInput field={item} label="" {...{ path, value, onSet }} />;
}

interface EntryNameProps {
  name: string;
  path: ParamPath;
  /** Names of the other entries. */
  taken: readonly string[];
  onRename: (to: string) => void;
}

/** The name of an entry, which may become another. */
function EntryName({ name, path, taken, onRename }: EntryNameProps) {
  const [problem, setProblem] = useState<string>();
  return (
    <CommitText
      flex={1}
      fw={600}
      aria-label={['Name of', ...path, name].join(' ')}
      error={problem}
      value={name}
      onCommit={(to) => {
        const free = freeName(to, taken);
        setProblem(free === to ? undefined : `"${free}" could be its name`);
        if (free === to) onRename(to);
      }}
    />
  );
}

interface EntryProps {
  name: string;
  /** What stands where its name does. */
  title?: ReactNode;
  path: ParamPath;
  onRemove: () => void;
  children: ReactNode;
}

function Entry({ name, title, path, onRemove, children }: EntryProps) {
  const problem = useProblem(path, false);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap">
        {title ?? (
          <Text size="xs" fw={600}>
            {name}
          </Text>
        )}
        <ActionIcon variant="default" size="sm" aria-label={`Remove ${name}`} onClick={onRemove}>
          <IconX size={13} aria-hidden />
        </ActionIcon>
      </Group>
      {problem !== undefined && <Input.Error size="xs">{problem}</Input.Error>}
      {children}
    </div>
  );
}

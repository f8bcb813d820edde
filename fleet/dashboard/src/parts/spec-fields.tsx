import { Checkbox, NativeSelect, type NativeSelectProps, TextInput } from '@mantine/core';
import { useSelectorCheck } from '../data/selector-check.ts';
import type { FieldProblems } from './field-problems.ts';
import { SelectorField } from './selector-field.tsx';
import { countWords } from './selector-words.ts';

/** Names of the fields of a form that hold text. */
type TextName<Fields> = { [Name in keyof Fields]: Fields[Name] extends string ? Name : never }[keyof Fields] & string;

export interface TextField<Fields> {
  name: TextName<Fields>;
  /** Where the schema has it. */
  path: string;
  placeholder?: string;
  description?: string;
}

export interface FormOf<Fields> {
  fields: Fields;
  onChange: (change: Partial<Fields>) => void;
  problems: FieldProblems;
}

/** Lines of text, each with its label and what is wrong with it. */
export function TextFields<Fields>({ of, fields, onChange, problems }: FormOf<Fields> & { of: readonly TextField<Fields>[] }) {
  return of.map(({ name, path, ...words }) => (
    <TextInput
      key={name}
      {...words}
      value={fields[name] as string}
      onChange={({ currentTarget }) => onChange({ [name]: currentTarget.value } as Partial<Fields>)}
      {...problems.at(path)}
    />
  ));
}

interface ChoiceProps<Value extends string> extends Omit<NativeSelectProps, 'data' | 'value' | 'onChange'> {
  /** What each value is called. */
  choices: Readonly<Record<Value, string>>;
  /** Those that are offered; all if not given. */
  of?: readonly Value[];
  value: Value;
  onChoose: (value: Value) => void;
}

/** One of a few. */
export function Choice<Value extends string>({ choices, of, onChoose, ...props }: ChoiceProps<Value>) {
  return (
    <NativeSelect
      {...props}
      data={(of ?? (Object.keys(choices) as Value[])).map((value) => ({ value, label: choices[value] }))}
      onChange={({ currentTarget: { value } }) => onChoose(value as Value)}
    />
  );
}

interface NameFieldProps extends FormOf<{ name: string }> {
  placeholder: string;
}

export function NameField({ fields, onChange, problems, placeholder }: NameFieldProps) {
  return (
    <TextInput
      required
      description="Small letters, digits, - and _"
      placeholder={placeholder}
      value={fields.name}
      onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
      {...problems.at('name')}
    />
  );
}

/** Which devices are meant, with how many they are. @param note what happens to those that match later, where that is always the same */
export function DevicesField({ fields, onChange, problems, note = '' }: FormOf<{ selector: string }> & { note?: string }) {
  const { vocabulary, problem, counts } = useSelectorCheck(fields.selector);
  return (
    <SelectorField
      isRequired
      description={`A condition, a saved group such as group("kitchens"), or true for all of them${note}`}
      value={fields.selector}
      onChange={(selector) => onChange({ selector })}
      {...{ ...problems.at('selector'), vocabulary, problem, note: countWords(counts) }}
    />
  );
}

/** Nobody selects a whole fleet by a slip. */
export function WholeFleetField({ fields, onChange }: Pick<FormOf<{ all: boolean }>, 'fields' | 'onChange'>) {
  return (
    <Checkbox
      label="It is meant for every device of the fleet, should that be what is selected"
      checked={fields.all}
      onChange={({ currentTarget }) => onChange({ all: currentTarget.checked })}
    />
  );
}

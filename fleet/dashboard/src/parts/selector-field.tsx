import { Combobox, Text, Textarea, useCombobox } from '@mantine/core';
import { type CompletionItem, completeSelector, type SelectorProblem, type SelectorVocabulary } from '@starling/shared';
import { type KeyboardEvent, type RefObject, useLayoutEffect, useRef, useState } from 'react';
import classes from './selector-field.module.css';

interface SelectorFieldProps {
  label: string;
  description?: string;
  value: string;
  onChange: (text: string) => void;
  vocabulary: SelectorVocabulary | undefined;
  problem: SelectorProblem | undefined;
  /** Under the field where nothing is wrong. */
  note?: string | undefined;
  isRequired?: boolean;
  /** What is wrong with it besides its text, such as that it selects no device. */
  error?: string | undefined;
  onBlur?: () => void;
  /** By which a summary of what is wrong finds it. */
  'data-field'?: string;
}

const nothing: SelectorVocabulary = {
  ...{ labels: {}, profiles: [], releases: [], agentVersions: [], architectures: [], providers: [], groups: [] },
};

/** Text that says which devices are meant: offers what may come next, and says under it what is wrong. */
export function SelectorField({
  label,
  description,
  value,
  onChange,
  vocabulary = nothing,
  problem,
  note,
  isRequired = false,
  error,
  onBlur,
  ...place
}: SelectorFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [cursor, setCursor] = useState(value.length);
  const moveCaret = useCaret(field);
  const [left, setLeft] = useState(true);
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const { from, to, items } = completeSelector(value, Math.min(cursor, value.length), vocabulary);
  const follow = (): void => setCursor(field.current?.selectionStart ?? value.length);
  const take = (label: string): void => {
    const item = items.find((each) => each.label === label);
    if (item === undefined) return;
    const end = from + item.insert.length;
    onChange(value.slice(0, from) + item.insert + value.slice(to));
    setCursor(end);
    moveCaret(end);
    combobox.resetSelectedOption();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // A line break would go unseen; Enter takes an offer, or does nothing.
    if (event.key === 'Enter') event.preventDefault();
    if (event.key === 'Escape') combobox.closeDropdown();
  };
  // While somebody is still writing, the end of the text is not yet a mistake.
  const shown = problem !== undefined && (left || problem.range.start < cursor - 1) ? problem : undefined;
  return (
    <Combobox store={combobox} onOptionSubmit={take} position="bottom-start" shadow="md" withinPortal={false}>
      <Combobox.Target>
        <Textarea
          ref={field}
          {...place}
          {...{ label, description, required: isRequired }}
          placeholder={'site == "north" && agentVersion >= "1.4"'}
          autosize
          minRows={1}
          maxRows={6}
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          classNames={{ input: 'mono' }}
          value={value}
          error={shown === undefined ? error : <ProblemLine text={value} problem={shown} />}
          inputWrapperOrder={['label', 'description', 'input', 'error']}
          onChange={({ currentTarget }) => {
            onChange(currentTarget.value.replaceAll('\n', ' '));
            setCursor(currentTarget.selectionStart);
            setLeft(false);
            combobox.openDropdown();
          }}
          onKeyDown={onKeyDown}
          onSelect={follow}
          onFocus={() => setLeft(false)}
          onClick={() => combobox.openDropdown()}
          onBlur={() => {
            setLeft(true);
            combobox.closeDropdown();
            onBlur?.();
          }}
        />
      </Combobox.Target>
      {shown === undefined && error === undefined && <Note text={note} />}
      <Combobox.Dropdown hidden={items.length === 0}>
        <Combobox.Options className={classes.options} aria-label="What may stand here">
          {items.map((item) => (
            <Offer key={item.label} item={item} />
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

function Note({ text }: { text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <Text size="sm" c="dimmed" mt={4} role="status">
      {text}
    </Text>
  );
}

function Offer({ item: { label, detail } }: { item: CompletionItem }) {
  return (
    <Combobox.Option value={label}>
      <span className="mono">{label}</span>{' '}
      <Text span size="xs" c="dimmed">
        {detail}
      </Text>
    </Combobox.Option>
  );
}

/** The problem with the part of the text that it is about. */
function ProblemLine({ text, problem: { message, range, hint } }: { text: string; problem: SelectorProblem }) {
  const part = text.slice(range.start, Math.min(range.end, range.start + 40));
  return (
    <>
      {message}, at character {range.start + 1}
      {part.trim() !== '' && (
        <>
          {' '}
          (<span className="mono">{part}</span>)
        </>
      )}
      {hint !== undefined && `: ${hint}`}
    </>
  );
}

/** @returns moves the cursor as soon as the new text is drawn, and before the next key: whoever writes on at once writes behind it */
function useCaret(field: RefObject<HTMLTextAreaElement | null>): (at: number) => void {
  const [at, setAt] = useState<number>();
  useLayoutEffect(() => {
    if (at === undefined) return;
    field.current?.setSelectionRange(at, at);
    setAt(undefined);
  }, [at, field]);
  return setAt;
}

import { Button, Group } from '@mantine/core';
import { type ReactNode, useRef } from 'react';
import { specText } from '../format/typed-value.ts';
import { CommandBox } from './command-box.tsx';
import type { FieldProblems } from './field-problems.ts';
import { ButtonLink } from './link.tsx';
import { PageHeader } from './page-header.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { WrongList } from './wrong-list.tsx';

interface SpecFormProps {
  title: string;
  note: string;
  back: '/experiments' | '/rollouts';
  /** On the button that sends it. */
  verb: string;
  /** Command that takes the same as a file. */
  command: string;
  spec: Parameters<typeof specText>[0];
  problems: FieldProblems;
  sending: { isPending: boolean; isError: boolean; error: unknown };
  onSend: () => void;
  /** What it would do, where it is right. */
  preview: ReactNode;
  /** Its fields. */
  children: ReactNode;
}

/** A form that makes something of the fleet: fields, what is wrong with them or what would come of it, and the same as a file. */
export function SpecForm({ title, note, back, verb, command, spec, problems, sending, onSend, preview, children }: SpecFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const { isRight } = problems;
  const send = (): void => {
    problems.ask();
    if (isRight) onSend();
    // The words of a field are there once it is drawn again.
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
  };
  return (
    <form
      ref={form}
      noValidate
      style={{ display: 'contents' }}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <PageHeader title={title} note={note} />
      {children}
      <WrongList wrong={problems.wrong} />
      {isRight && !sending.isError && preview}
      {sending.isError && <ProblemAlert error={sending.error} />}
      <Group justify="flex-end">
        <ButtonLink to={back} variant="default">
          Cancel
        </ButtonLink>
        <Button type="submit" loading={sending.isPending}>
          {verb}
        </Button>
      </Group>
      {isRight && <CommandBox label={`The same as a file, for ${command}`} command={specText(spec)} />}
    </form>
  );
}

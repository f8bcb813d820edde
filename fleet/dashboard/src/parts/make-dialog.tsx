import { Alert, Button, Group, Modal, type ModalProps, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { ProblemAlert } from './problem-alert.tsx';

interface MakeDialogProps extends Pick<ModalProps, 'size'> {
  title: string;
  verb?: string;
  making: { isPending: boolean; isError: boolean; error: unknown };
  /** It may not be sent as it stands. */
  isBlocked?: boolean;
  onSubmit: (form: FormData) => void;
  onClose: () => void;
  /** What is shown once it is made, and only then; undefined before. */
  made: { note: ReactNode; secrets: ReactNode } | undefined;
  /** Fields, read by name. */
  children: ReactNode;
}

/** A form for something that has a secret, which is shown once. */
export function MakeDialog({ title, size, verb = 'Make', making, isBlocked = false, onSubmit, onClose, made, children }: MakeDialogProps) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      centered
      {...(size !== undefined && { size })}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {made === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            {children}
            {making.isError && <ProblemAlert error={making.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={making.isPending} disabled={isBlocked}>
                {verb}
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Alert variant="outline" color="petrol" title="Shown only this once" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
            {made.note}
          </Alert>
          {made.secrets}
          <Button onClick={onClose}>Done</Button>
        </Stack>
      )}
    </Modal>
  );
}

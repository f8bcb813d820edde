import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { SignPanel, save } from '../../parts/sign-panel.tsx';
import type { Draft } from './read-draft.ts';

interface SaveDialogProps {
  draft: Draft;
  text: string;
  /** A version that exists already under this name never changes. */
  isTaken: boolean;
  onClose: () => void;
}

/** From the text to a registered version: the publisher key stays with its owner, so the last step is theirs. */
export function SaveDialog({ draft, text, isTaken, onClose }: SaveDialogProps) {
  const file = `${draft.name || 'pipeline'}.yaml`;
  const isReady = draft.pipeline !== undefined && draft.problems.length === 0 && !isTaken;
  return (
    <Modal opened onClose={onClose} size="lg" title="Save the pipeline" closeButtonProps={{ 'aria-label': 'Close' }}>
      {isReady ? (
        <SignPanel
          document={draft}
          endpoint="createPipeline"
          files={[{ name: file, words: `Save ${file}`, content: text }]}
          command={`starling pipeline push ${file}`}
          onDone={onClose}
        />
      ) : (
        <Stack gap="sm">
          <Alert variant="outline" color="yellow" title={isTaken ? 'This version exists' : 'Not ready to be published'}>
            <Text size="sm">
              {isTaken
                ? `${draft.name} ${draft.version} is published, and versions never change: raise the version.`
                : 'The fleet takes it once its problems are solved. The file can be saved as it is, to go on later.'}
            </Text>
          </Alert>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
            <Button leftSection={<IconDownload size={16} aria-hidden />} onClick={() => save(file, text)}>
              Save {file}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

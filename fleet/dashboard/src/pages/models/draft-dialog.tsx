import { Button, FileInput, Group, Modal, Progress, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { api, type ModelVersion, StarlingError } from '@starling/shared';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { apiClient } from '../../data/api-client.ts';
import { uploadFile } from '../../data/upload-file.ts';
import { bytesOf, inWords, percentOf } from '../../format/quantity.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { SignPanel } from '../../parts/sign-panel.tsx';

/** Checks an ONNX file on the fleet, and leads to its signature: only a publisher's key makes a version. */
export function DraftDialog({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [sentShare, setSentShare] = useState(0);
  const draft = useMutation({ mutationFn: (form: FormData) => draftModel(file, form, setSentShare) });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    draft.mutate(new FormData(event.currentTarget));
  };
  const document = draft.data?.document;
  return (
    <Modal opened onClose={onClose} size="lg" title="Add a model version" closeButtonProps={{ 'aria-label': 'Close' }}>
      {document === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <FileInput
              label="ONNX file"
              placeholder="Choose a file"
              accept=".onnx"
              required
              value={file}
              onChange={setFile}
              description={file === null ? 'With its weights inside, not beside it.' : inWords(bytesOf(file.size))}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Name" name="name" required pattern="[a-z0-9][a-z0-9_\-]{0,63}" placeholder="text-detection" />
              <TextInput label="Version" name="version" required defaultValue="1.0.0" />
              <TextInput label="Title" name="title" required />
              <TextInput label="Task" name="task" placeholder="classification" />
              <TextInput label="Licence" name="licence" required placeholder="Apache-2.0" />
              <TextInput label="From" name="source" placeholder="Address, package, training run" />
            </SimpleGrid>
            <Textarea label="Description" name="description" autosize minRows={2} />
            {draft.isPending && (
              <div role="status">
                <Progress value={sentShare * 100} aria-label="Upload" />
                <Text size="sm" c="dimmed" mt={4}>
                  {sentShare < 1 ? `${inWords(percentOf(sentShare))} sent` : 'The fleet reads the file …'}
                </Text>
              </div>
            )}
            {draft.isError && <ProblemAlert error={draft.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={draft.isPending}>
                Check the file
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Drafted document={document} />
          <SignPanel
            document={document}
            endpoint="createModel"
            files={[
              { name: 'card.json', words: 'Save the card', content: document.card },
              { name: `${document.name}.json`, words: 'Save the document', content: document },
            ]}
            command={`starling model push ${file?.name ?? 'model.onnx'} --name ${document.name} --version ${document.version} --card card.json`}
            onDone={onClose}
          />
        </Stack>
      )}
    </Modal>
  );
}

function Drafted({ document: { inputs, outputs, opset } }: { document: ModelVersion }) {
  const ports = (list: ModelVersion['inputs']): string =>
    list.map(({ name, elementType, shape }) => `${name}: ${elementType}[${shape.join(', ')}]`).join('; ');
  return (
    <Text size="sm">
      The file is fine: opset {opset}. Takes {ports(inputs)}. Gives {ports(outputs)}.
    </Text>
  );
}

/** @throws StarlingError with what is wrong with the file or the card */
async function draftModel(file: File | null, form: FormData, onProgress: (share: number) => void) {
  if (file === null) throw new StarlingError('no-file', 'there is no file', { field: 'file', hint: 'choose an ONNX file' });
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  onProgress(0);
  const upload = await uploadFile(file, 'model', onProgress);
  const card = {
    title: text('title'),
    licence: text('licence'),
    description: text('description'),
    ...(text('task') === '' ? {} : { task: text('task') }),
    ...(text('source') === '' ? {} : { source: text('source') }),
  };
  return apiClient.call(api.draftModel, { body: { name: text('name'), version: text('version'), upload: upload.manifest, card } });
}

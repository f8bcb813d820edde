import { Button, FileInput, Group, Modal, Progress, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { api, type ModelDatasets, type ModelVersion, StarlingError } from '@starling/shared';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { apiClient } from '../../data/api-client.ts';
import { packSamples, type SampleFile } from '../../data/pack-samples.ts';
import { uploadFile } from '../../data/upload-file.ts';
import { bytesOf, inWords, percentOf } from '../../format/quantity.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { SignPanel } from '../../parts/sign-panel.tsx';
import { EvaluationFields } from './evaluation-fields.tsx';
import { evaluationFromText } from './evaluation-from-text.ts';
import { SampleDrop } from './sample-drop.tsx';

/** Checks an ONNX file on the fleet, and leads to its signature: only a publisher's key makes a version. */
export function DraftDialog({ onClose }: { onClose: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [calibration, setCalibration] = useState<SampleFile[]>([]);
  const [evaluation, setEvaluation] = useState<SampleFile[]>([]);
  const [sent, setSent] = useState<Sent>({ what: '', share: 0 });
  const draft = useMutation({ mutationFn: (form: FormData) => draftModel({ file, calibration, evaluation }, form, setSent) });
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
            <ModelFile file={file} onFile={setFile} />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextInput label="Name" name="name" required pattern="[a-z0-9][a-z0-9_\-]{0,63}" placeholder="text-detection" />
              <TextInput label="Version" name="version" required defaultValue="1.0.0" />
              <TextInput label="Title" name="title" required />
              <TextInput label="Task" name="task" placeholder="classification" />
              <TextInput label="Licence" name="licence" required placeholder="Apache-2.0" />
              <TextInput label="From" name="source" placeholder="Address, package, training run" />
            </SimpleGrid>
            <Textarea label="Description" name="description" autosize minRows={2} />
            <SampleDrop
              label="Calibration samples"
              description="Images, .npy tensors, or a folder of them each: static quantisation learns its ranges from them."
              samples={calibration}
              onSamples={setCalibration}
            />
            <SampleDrop
              label="Evaluation samples"
              description="Builds are compared with the source on them, with labels.json where the metric needs labels."
              samples={evaluation}
              onSamples={setEvaluation}
            />
            {calibration.length + evaluation.length > 0 && <EvaluationFields />}
            {draft.isPending && <Sending sent={sent} />}
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
            command={`starling model push ${file?.name ?? 'model.onnx'} --name ${document.name} --version ${document.version} --card card.json${datasetFlags(document)}`}
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

/** The ONNX file, dropped or chosen. */
function ModelFile({ file, onFile }: { file: File | null; onFile: (file: File | null) => void }) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a short cut; the field does the same
    <div
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        onFile(event.dataTransfer.files[0] ?? null);
      }}
    >
      <FileInput
        label="ONNX file"
        placeholder="Drop a file here, or choose one"
        accept=".onnx"
        required
        value={file}
        onChange={onFile}
        description={
          file === null ? 'With its weights inside; the command line joins those that lie beside it.' : inWords(bytesOf(file.size))
        }
      />
    </div>
  );
}

/** What is on its way, and how much of it. */
interface Sent {
  what: string;
  share: number;
}

function Sending({ sent: { what, share } }: { sent: Sent }) {
  return (
    <div role="status">
      <Progress value={share * 100} aria-label="Upload" />
      <Text size="sm" c="dimmed" mt={4}>
        {share < 1 ? `${what}: ${inWords(percentOf(share))} sent` : 'The fleet reads the file …'}
      </Text>
    </div>
  );
}

function datasetFlags({ datasets }: ModelVersion): string {
  return Object.keys(datasets ?? {})
    .map((name) => ` --${name} ${name}/`)
    .join('');
}

interface ChosenFiles {
  file: File | null;
  calibration: readonly SampleFile[];
  evaluation: readonly SampleFile[];
}

/** @throws StarlingError with what is wrong with the file, the samples or the card */
async function draftModel({ file, ...samples }: ChosenFiles, form: FormData, onSent: (sent: Sent) => void) {
  if (file === null) throw new StarlingError('no-file', 'there is no file', { field: 'file', hint: 'choose an ONNX file' });
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  // What people wrote is read before the first byte is sent.
  const evaluation = await evaluationFromText(text('metric'), text('pipeline'));
  const datasets: ModelDatasets = {};
  for (const name of ['calibration', 'evaluation'] as const) {
    if (samples[name].length === 0) continue;
    onSent({ what: `${name} samples`, share: 0 });
    const packed = await packSamples(samples[name], name);
    datasets[name] = { name, ...(await uploadFile(packed, 'file', (share) => onSent({ what: `${name} samples`, share }))) };
  }
  onSent({ what: file.name, share: 0 });
  const upload = await uploadFile(file, 'model', (share) => onSent({ what: file.name, share }));
  const card = {
    title: text('title'),
    licence: text('licence'),
    description: text('description'),
    ...(text('task') === '' ? {} : { task: text('task') }),
    ...(text('source') === '' ? {} : { source: text('source') }),
    ...(evaluation === undefined ? {} : { evaluation }),
  };
  return apiClient.call(api.draftModel, {
    body: {
      ...{ name: text('name'), version: text('version'), upload: upload.manifest, card },
      ...(Object.keys(datasets).length === 0 ? {} : { datasets }),
    },
  });
}

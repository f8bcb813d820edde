import { Button, Checkbox, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { cutPorts, expandPipeline, type Pipeline, type Release, sinkRegistry, splitByPlace } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { read, useChange } from '../../data/queries.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SignPanel } from '../../parts/sign-panel.tsx';

/** Pins the newest versions for a pipeline, checks that they fit together, and leads to the signature. */
export function ComposeDialog({ onClose }: { onClose: () => void }) {
  const pipelines = useQuery(read('listPipelines', { query: { limit: 200 } }));
  const [pipeline, setPipeline] = useState<string | null>(null);
  const [outputs, setOutputs] = useState<string[]>([]);
  const [sinks, setSinks] = useState<string[]>([]);
  const [streams, setStreams] = useState<string[]>([]);
  const draft = useChange('draftRelease', { makesOld: [] });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name')).trim();
    if (pipeline !== null)
      draft.mutate({ body: { name, pipeline, policies: { egress: { outputs, sinks, ...(streams.length === 0 ? {} : { streams }) } } } });
  };
  const document = draft.data?.document;
  const chosen = pipelines.data?.items.find(({ name, version }) => `${name}@${version}` === pipeline)?.document;
  return (
    <Modal opened onClose={onClose} size="lg" title="Compose a release" closeButtonProps={{ 'aria-label': 'Close' }}>
      {document === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <TextInput
              label="Name"
              name="name"
              required
              placeholder="signs-1"
              description="Small letters, digits, - and _"
              data-autofocus
            />
            <QueryView query={pipelines} heightPx={60}>
              {({ items }) => (
                <Select
                  label="Pipeline"
                  required
                  searchable
                  placeholder={items.length === 0 ? 'There is no pipeline yet' : 'Choose one'}
                  description="The newest versions of its models are pinned."
                  data={items.map(({ name, version }) => `${name}@${version}`)}
                  value={pipeline}
                  onChange={setPipeline}
                />
              )}
            </QueryView>
            {chosen !== undefined && <OutputChoice outputs={Object.keys(chosen.outputs)} allowed={outputs} onAllow={setOutputs} />}
            {chosen !== undefined && <SinkChoice pipeline={chosen} allowed={sinks} onAllow={setSinks} />}
            {chosen !== undefined && <StreamChoice pipeline={chosen} allowed={streams} onAllow={setStreams} />}
            {draft.isError && <ProblemAlert error={draft.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={draft.isPending} disabled={pipeline === null}>
                Check
              </Button>
            </Group>
          </Stack>
        </form>
      ) : (
        <Stack>
          <Text size="sm">{summaryOf(document)}</Text>
          <SignPanel
            document={document}
            endpoint="createRelease"
            files={[{ name: `${document.name}.json`, words: 'Save the document', content: document }]}
            command={commandFor(document)}
            onDone={onClose}
          />
        </Stack>
      )}
    </Modal>
  );
}

interface OutputChoiceProps {
  outputs: readonly string[];
  allowed: string[];
  onAllow: (outputs: string[]) => void;
}

/** Which outputs of the pipeline a device may send away. */
function OutputChoice({ outputs, allowed, onAllow }: OutputChoiceProps) {
  return (
    <Checkbox.Group
      label="May leave the device"
      description="Values of these outputs: results of tried images, streams. Raw inputs never leave."
      value={allowed}
      onChange={onAllow}
    >
      <Group mt="xs">
        {outputs.map((output) => (
          <Checkbox key={output} value={output} label={output} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

interface SinkChoiceProps {
  pipeline: Pipeline;
  allowed: string[];
  onAllow: (sinks: string[]) => void;
}

/** Which sinks of the pipeline may send values away. Those that keep them on the device always may. */
function SinkChoice({ pipeline, allowed, onAllow }: SinkChoiceProps) {
  const sending = Object.entries(pipeline.nodes).flatMap(([name, node]) =>
    'sink' in node && sinkRegistry.get(node.sink)?.isLocal !== true ? [{ name, kind: node.sink }] : [],
  );
  if (sending.length === 0) return null;
  return (
    <Checkbox.Group
      label="May send values away"
      description="Sinks of the pipeline, each to the address that stands in it."
      value={allowed}
      onChange={onAllow}
    >
      <Group mt="xs">
        {sending.map(({ name, kind }) => (
          <Checkbox key={name} value={name} label={`${name} (${kind})`} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

interface StreamChoiceProps {
  pipeline: Pipeline;
  allowed: string[];
  onAllow: (streams: string[]) => void;
}

/** What has to travel between the machines that run the pipeline. Without it the release cannot run. */
function StreamChoice({ pipeline, allowed, onAllow }: StreamChoiceProps) {
  const ports = cutPorts(splitByPlace(expandPipeline(pipeline)));
  if (ports.length === 0) return null;
  return (
    <Checkbox.Group
      label="May go to other machines"
      description="Nodes of this pipeline run elsewhere: values of these ports travel there, or come back."
      value={allowed}
      onChange={onAllow}
    >
      <Group mt="xs">
        {ports.map((port) => (
          <Checkbox key={port} value={port} label={port} />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

function commandFor({ name, pipeline, policies }: Release): string {
  const outputs = policies.egress.outputs.map((output) => ` --allow-output ${output}`).join('');
  const sinks = policies.egress.sinks.map((sink) => ` --sink ${sink}`).join('');
  const streams = (policies.egress.streams ?? []).map((stream) => ` --allow-stream ${stream}`).join('');
  return `starling release create ${name} --pipeline ${pipeline.name}@${pipeline.version}${outputs}${sinks}${streams}`;
}

function summaryOf({ pipeline, models }: Release): string {
  const pinned = models.map(({ name, version }) => `${name} ${version}`).join(', ');
  return `It fits together: ${pipeline.name} ${pipeline.version}${pinned === '' ? '' : ` with ${pinned}`}.`;
}

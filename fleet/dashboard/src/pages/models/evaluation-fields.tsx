import { NativeSelect, SimpleGrid, Stack, Textarea } from '@mantine/core';
import { evaluationMetricSchema } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../data/queries.ts';
import { metricWords } from '../../parts/metric-words.ts';

const NONE = '';

/** How builds are judged: by which metric, and through which pipeline samples reach the model. */
export function EvaluationFields() {
  const pipelines = useQuery(read('listPipelines', { query: { limit: 200 } }));
  const [text, setText] = useState('');
  const take = (digest: string): void => {
    const found = pipelines.data?.items.find((each) => each.digest === digest)?.document;
    const graph = found && { inputs: found.inputs, outputs: found.outputs, nodes: found.nodes, edges: found.edges };
    setText(graph === undefined ? '' : JSON.stringify(graph, null, 2));
  };
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <NativeSelect
          label="Judged by"
          name="metric"
          data={[
            { value: NONE, label: 'similarity of the answers, without labels' },
            ...evaluationMetricSchema.options
              .filter((value) => value !== 'similarity')
              .map((value) => ({ value, label: metricWords[value] })),
          ]}
        />
        <NativeSelect
          label="Through the pipeline"
          data={[
            { value: NONE, label: 'none: samples are tensors' },
            ...(pipelines.data?.items ?? []).map(({ digest, name, version }) => ({ value: digest, label: `${name} ${version}` })),
          ]}
          onChange={({ currentTarget }) => take(currentTarget.value)}
        />
      </SimpleGrid>
      <Textarea
        label="Pipeline"
        name="pipeline"
        description="YAML or JSON with inputs, outputs, nodes and edges: it turns a sample into what is scored."
        autosize
        minRows={2}
        maxRows={10}
        className="mono"
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
      />
    </Stack>
  );
}

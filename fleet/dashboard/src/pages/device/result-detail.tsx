import { Group, Stack, Text } from '@mantine/core';
import type { InferenceResult, Reading } from '@starling/shared';
import { inWords, percentOf } from '../../format/quantity.ts';
import { duration } from '../../format/time.ts';
import classes from './result-detail.module.css';

interface ResultDetailProps {
  result: InferenceResult;
  readings: readonly Reading[];
  marked: number | undefined;
  onMark: (index: number | undefined) => void;
}

/** The device's answer in words: every text with its scores, and where the time went. */
export function ResultDetail({ result, readings, marked, onMark }: ResultDetailProps) {
  const nodes = Object.entries(result.nodesMs).toSorted(([, a], [, b]) => b - a);
  return (
    <Stack gap="sm">
      <Text>
        <strong>
          {readings.length === 0 ? 'No text found' : readings.length === 1 ? 'Read one text' : `Read ${readings.length} texts`}
        </strong>{' '}
        in <strong>{duration(result.latencyMs)}</strong> on the device, by {result.pipeline}.
      </Text>
      {readings.length > 0 && (
        <ol className={classes.readings}>
          {readings.map((reading, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: readings have no name but their place
            <li key={index}>
              <button
                type="button"
                className={classes.reading}
                data-marked={marked === index || undefined}
                onPointerEnter={() => onMark(index)}
                onPointerLeave={() => onMark(undefined)}
                onFocus={() => onMark(index)}
                onBlur={() => onMark(undefined)}
              >
                <span className={classes.text}>{reading.text}</span>
                <span className={classes.score}>
                  {inWords(percentOf(reading.confidence))} sure, box {inWords(percentOf(reading.score))}
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
      {readings.length === 0 && <pre className={classes.raw}>{JSON.stringify(result.outputs, null, 2)}</pre>}
      {nodes.length > 0 && (
        <div>
          <Text size="sm" c="dimmed" mb={4}>
            Time in each node of the pipeline
          </Text>
          {nodes.map(([node, lengthMs]) => (
            <Group key={node} gap="xs" wrap="nowrap" className={classes.node}>
              <span className={classes.nodeName}>{node}</span>
              <span className={classes.track} aria-hidden>
                <span className={classes.fill} style={{ width: `${(100 * lengthMs) / (nodes[0]?.[1] || 1)}%` }} />
              </span>
              <span className={classes.nodeTime}>{duration(lengthMs)}</span>
            </Group>
          ))}
        </div>
      )}
    </Stack>
  );
}

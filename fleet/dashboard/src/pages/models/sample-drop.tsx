import { Button, Group, Input, Text } from '@mantine/core';
import { useId, useRef, useState } from 'react';
import { chosenSamples, droppedSamples, type SampleFile } from '../../data/pack-samples.ts';
import { bytesOf, counted, inWords } from '../../format/quantity.ts';
import classes from './sample-drop.module.css';

interface SampleDropProps {
  label: string;
  description: string;
  samples: readonly SampleFile[];
  onSamples: (samples: SampleFile[]) => void;
}

/** Takes a folder of samples, or a zip archive of one, that is dropped or chosen. */
export function SampleDrop({ label, description, samples, onSamples }: SampleDropProps) {
  const id = useId();
  const folder = useRef<HTMLInputElement>(null);
  const archive = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  return (
    <Input.Wrapper label={label} description={description} labelElement="div" labelProps={{ id }}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be dropped on in every browser */}
      <div
        role="group"
        aria-labelledby={id}
        className={classes.area}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setIsOver(false);
          void droppedSamples(event.dataTransfer.items).then(onSamples);
        }}
      >
        <Text size="sm" c="dimmed" aria-live="polite">
          {samples.length === 0 ? 'Drop a folder or a zip archive here, or' : summaryOf(samples)}
        </Text>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" onClick={() => folder.current?.click()} aria-label={`Folder: ${label}`}>
            Folder
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => archive.current?.click()} aria-label={`Archive: ${label}`}>
            Archive
          </Button>
          {samples.length > 0 && (
            <Button size="compact-sm" variant="default" onClick={() => onSamples([])} aria-label={`Leave out: ${label}`}>
              Leave out
            </Button>
          )}
        </Group>
        <input
          ref={folder}
          type="file"
          {...{ webkitdirectory: '' }}
          className="visually-hidden"
          tabIndex={-1}
          aria-label={`${label}, folder`}
          onChange={({ currentTarget: { files } }) => onSamples(files === null ? [] : chosenSamples(files))}
        />
        <input
          ref={archive}
          type="file"
          accept=".zip"
          className="visually-hidden"
          tabIndex={-1}
          aria-label={`${label}, archive`}
          onChange={({ currentTarget: { files } }) => onSamples(files === null ? [] : chosenSamples(files))}
        />
      </div>
    </Input.Wrapper>
  );
}

function summaryOf(samples: readonly SampleFile[]): string {
  const size = inWords(bytesOf(samples.reduce((sum, { file }) => sum + file.size, 0)));
  const [first] = samples;
  return samples.length === 1 && first !== undefined ? `${first.name}, ${size}` : `${counted(samples.length)} files, ${size}`;
}

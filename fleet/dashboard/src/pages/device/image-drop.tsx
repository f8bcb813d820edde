import { Button, Group, Text } from '@mantine/core';
import { IconPhotoScan } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import classes from './image-drop.module.css';

interface ImageDropProps {
  onImage: (file: File) => void;
  /** Why no image can be taken now. */
  refusal: string | undefined;
  isCompact: boolean;
  children: ReactNode;
}

/** Takes an image that is dropped, pasted or chosen. */
export function ImageDrop({ onImage, refusal, isCompact, children }: ImageDropProps) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0];
    if (file !== undefined && refusal === undefined) onImage(file);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping and pasting are short cuts; the button does the same
    <div
      className={classes.area}
      data-over={isOver || undefined}
      data-compact={isCompact || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(refusal === undefined);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        take(event.dataTransfer.files);
      }}
      onPaste={(event) => take(event.clipboardData.files)}
    >
      {children}
      <div className={classes.ask}>
        {!isCompact && <IconPhotoScan size={34} stroke={1.3} aria-hidden />}
        <Text size="sm" c="dimmed">
          {refusal ?? 'Drop an image here, paste one, or'}
        </Text>
        <Group gap="xs">
          <Button size={isCompact ? 'xs' : 'sm'} variant="default" disabled={refusal !== undefined} onClick={() => input.current?.click()}>
            {isCompact ? 'Choose another image' : 'Choose an image'}
          </Button>
        </Group>
        <input
          ref={input}
          type="file"
          accept="image/*"
          className="visually-hidden"
          tabIndex={-1}
          aria-label="Image to try"
          onChange={({ currentTarget }) => {
            take(currentTarget.files);
            // The same file may be chosen again.
            currentTarget.value = '';
          }}
        />
      </div>
    </div>
  );
}

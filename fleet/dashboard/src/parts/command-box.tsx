import { Button, CopyButton, Text } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import classes from './command-box.module.css';

interface CommandBoxProps {
  command: string;
  label: string;
}

/** A command for a terminal, with a button that copies it. */
export function CommandBox({ command, label }: CommandBoxProps) {
  return (
    <div>
      <Text size="sm" mb={4}>
        {label}
      </Text>
      <div className={classes.box}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
        <section className={classes.command} tabIndex={0} aria-label={label}>
          <code>{command}</code>
        </section>
        <CopyButton value={command}>
          {({ copied, copy }) => (
            <Button
              size="xs"
              variant="white"
              color="dark"
              leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
              onClick={copy}
              aria-label={copied ? `Copied: ${label}` : `Copy: ${label}`}
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}

import type { ReactNode } from 'react';
import classes from './tag.module.css';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

interface TagProps {
  tone: Tone;
  children: ReactNode;
  /** Breathes, for what happens right now. */
  isActive?: boolean;
}

/** A state as a word with a coloured dot: the word alone says it, the colour only helps the eye. */
export function Tag({ tone, children, isActive = false }: TagProps) {
  return (
    <span className={classes.tag} data-tone={tone}>
      <span className={classes.dot} data-active={isActive || undefined} aria-hidden />
      {children}
    </span>
  );
}

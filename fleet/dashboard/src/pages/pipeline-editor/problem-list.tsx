import { Text, UnstyledButton } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { counted } from '../../format/quantity.ts';
import classes from './problem-list.module.css';
import type { DraftProblem } from './read-draft.ts';

interface ProblemListProps {
  problems: readonly DraftProblem[];
  /** Not all is known yet that is checked against. */
  isChecking: boolean;
  onShow: (problem: DraftProblem) => void;
}

/** Everything that is wrong, in words, each with its way to the line. */
export function ProblemList({ problems, isChecking, onShow }: ProblemListProps) {
  return (
    <section aria-label="Problems">
      <Text size="sm" fw={600} role="status">
        {problems.length > 0 && `${counted(problems.length)} ${problems.length === 1 ? 'problem' : 'problems'}`}
        {problems.length === 0 && (isChecking ? 'Checking …' : <Sound />)}
      </Text>
      {problems.length > 0 && (
        <ol className={classes.list}>
          {problems.map((problem) => (
            <li key={`${problem.field} ${problem.message}`}>
              <UnstyledButton className={classes.problem} onClick={() => onShow(problem)}>
                <span className={classes.line}>Line {problem.line}</span>
                <span>
                  {problem.message}
                  {problem.hint !== undefined && <span className={classes.hint}>{problem.hint}</span>}
                </span>
              </UnstyledButton>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function Sound() {
  return (
    <span className={classes.sound}>
      <IconCircleCheck size={16} aria-hidden /> No problem found
    </span>
  );
}

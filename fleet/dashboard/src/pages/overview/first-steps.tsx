import type { Overview } from '@starling/shared';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { read } from '../../data/queries.ts';
import { TextLink } from '../../parts/link.tsx';
import { Panel } from '../../parts/panel.tsx';
import classes from './first-steps.module.css';

/** What is still missing between a new fleet and the first inference. */
export function FirstSteps({ overview }: { overview: Overview }) {
  const settings = useQuery(read('settings', {}));
  const { devices } = overview;
  return (
    <Panel title="First steps" note="From a new fleet to the first result. Done steps stay checked.">
      <ol className={classes.steps}>
        <Step isDone={settings.data?.root != null} title="Say whom devices trust">
          Make the root and publisher keys where you keep them, and publish the first root:{' '}
          <code className="mono">starling key create --root</code>
        </Step>
        <Step isDone={overview.models > 0} title="Push a model">
          <TextLink to="/models" size="sm">
            Models
          </TextLink>{' '}
          shows what the fleet built of it: <code className="mono">starling model push model.onnx</code>
        </Step>
        <Step isDone={overview.pipelines > 0} title="Describe a pipeline">
          Which operators and models a datum passes: <code className="mono">starling pipeline push pipeline.yaml</code>
        </Step>
        <Step isDone={overview.releases > 0} title="Make a release">
          It pins the versions that run together:{' '}
          <TextLink to="/releases" size="sm">
            Releases
          </TextLink>
        </Step>
        <Step isDone={devices.total - devices.revoked > 0} title="Add a device">
          <TextLink to="/enrolment" size="sm">
            Enrolment
          </TextLink>{' '}
          prints the one command that a device needs.
        </Step>
        <Step isDone={devices.running > 0} title="Assign the release">
          On the page of the device; it pulls the artefact that fits it, tests it, and runs.
        </Step>
      </ol>
    </Panel>
  );
}

function Step({ isDone, title, children }: { isDone: boolean; title: string; children: ReactNode }) {
  const Mark = isDone ? IconCircleCheckFilled : IconCircle;
  return (
    <li className={classes.step}>
      <Mark size={20} color={isDone ? 'var(--good)' : 'var(--idle)'} role="img" aria-label={isDone ? 'done' : 'to do'} />
      <div>
        <div className={classes.title}>{title}</div>
        <div className={classes.detail}>{children}</div>
      </div>
    </li>
  );
}

import classes from './labels.module.css';

/** Labels of a device as `key=value`. */
export function Labels({ labels, absent = null }: { labels: Readonly<Record<string, string>>; absent?: string | null }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return <>{absent}</>;
  return (
    <ul className={classes.labels}>
      {entries.map(([key, value]) => (
        <li key={key} className={classes.label}>
          {key}
          {value !== '' && `=${value}`}
        </li>
      ))}
    </ul>
  );
}

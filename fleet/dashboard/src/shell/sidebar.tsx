import { Link } from '@tanstack/react-router';
import { useSession } from '../data/session.ts';
import { AccountMenu } from './account-menu.tsx';
import { places } from './navigation.ts';
import classes from './sidebar.module.css';

/** The way around, on the left of wide pages and in the drawer of narrow ones. */
export function Sidebar({ onNavigate }: { onNavigate: () => void }) {
  const { may } = useSession();
  return (
    <div className={classes.sidebar}>
      <nav aria-label="Main" className={classes.places}>
        {places.map((group) => (
          <div key={group.title}>
            <div className={classes.title}>{group.title}</div>
            <ul className={classes.list}>
              {group.places
                .filter((place) => may(place.needs))
                .map(({ to, label, icon: Icon }) => (
                  <li key={to}>
                    <Link to={to} className={classes.link} activeOptions={{ exact: to === '/', includeSearch: false }} onClick={onNavigate}>
                      <Icon size={18} stroke={1.6} aria-hidden />
                      {label}
                    </Link>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </nav>
      <AccountMenu />
    </div>
  );
}

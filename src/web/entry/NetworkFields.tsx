/** Where the practice is reached: this computer, or the network and how that is encrypted. */
import type { SetupRequest } from '../../doors/api/contract.ts';
import { useText } from '../text.ts';
import { Choices, TextField } from '../ui/fields.tsx';

export interface Network {
  exposure: SetupRequest['exposure'];
  tls: NonNullable<SetupRequest['tls']>;
  certPath: string;
  keyPath: string;
}
export const LOCAL: Network = { exposure: 'local', tls: 'own-ca', certPath: '', keyPath: '' };

/** A certificate of one's own wants both its files. */
export const isWhole = ({ exposure, tls, certPath, keyPath }: Network): boolean =>
  exposure === 'local' || tls !== 'certificate' || (certPath.trim() !== '' && keyPath.trim() !== '');

/** As the API takes it: without what does not belong to the choice. */
export const choiceOf = ({ exposure, tls, certPath, keyPath }: Network) => ({
  exposure,
  ...(exposure === 'network' ? { tls } : {}),
  ...(exposure === 'network' && tls === 'certificate'
    ? { certPath: certPath.trim(), keyPath: keyPath.trim() }
    : {}),
});

export function NetworkFields({ value, onChange }: { value: Network; onChange: (value: Network) => void }) {
  const { t } = useText();
  const set = (change: Partial<Network>) => onChange({ ...value, ...change });
  return (
    <>
      <Choices
        legend={<span className="visually-hidden">{t('setup.where')}</span>}
        name="exposure"
        value={value.exposure}
        onChange={(exposure) => set({ exposure })}
        choices={[
          { value: 'local', title: t('setup.local'), text: t('setup.localText') },
          { value: 'network', title: t('setup.network'), text: t('setup.networkText') },
        ]}
      />
      {value.exposure === 'network' && (
        <div className="inset">
          <Choices
            legend={t('setup.tls')}
            name="tls"
            value={value.tls}
            onChange={(tls) => set({ tls })}
            choices={[
              { value: 'own-ca', title: t('setup.tlsOwn'), text: t('setup.tlsOwnText') },
              { value: 'certificate', title: t('setup.tlsCert'), text: t('setup.tlsCertText') },
              { value: 'proxy', title: t('setup.tlsProxy'), text: t('setup.tlsProxyText') },
            ]}
          />
          {value.tls === 'certificate' && (
            <>
              <TextField
                label={t('setup.certPath')}
                value={value.certPath}
                onChange={(event) => set({ certPath: event.target.value })}
              />
              <TextField
                label={t('setup.keyPath')}
                value={value.keyPath}
                onChange={(event) => set({ keyPath: event.target.value })}
              />
            </>
          )}
        </div>
      )}
    </>
  );
}

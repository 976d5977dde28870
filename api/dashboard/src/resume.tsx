// Ends a pause, or a freeze.
import { post } from './api';
import { look_again } from './store';
import { Button, Problem, useCall } from './ui';

export function ResumeButton({ service, label }: { service: string | null; label: string }) {
  const { busy, problem, call } = useCall();
  const resume = (): void =>
    call(async () => {
      await post('/v1/resume', service ? { service } : {});
      await look_again();
    });
  return (
    <>
      <Button needs="operate" busy={busy} onPress={resume}>
        {label}
      </Button>
      <Problem text={problem} />
    </>
  );
}

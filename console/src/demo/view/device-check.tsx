// Camera and microphone before a room is entered.

import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../ui/icons.js';
import { Video } from '../../ui/video.js';
import { hasDevices, type Devices } from '../model/devices.js';
import { Problem } from './problem.js';

/** Shows what the devices give, and says what is wrong with them. */
export function DeviceCheck({ devices, isSecond }: { devices: Devices; isSecond: boolean }) {
  const { status, problem, audio, video, cameras, microphones } = devices.state.value;
  const isOpen = status === 'open';
  return (
    <section class="card devices" aria-labelledby="devices-title">
      <h2 id="devices-title">Camera and microphone</h2>
      <div class="preview">
        {video ? (
          <Video track={video} label="Your camera" isMirrored />
        ) : (
          <p class="muted">
            <Icon name="cameraOff" /> {isOpen ? 'No camera' : 'Off'}
          </p>
        )}
      </div>
      {audio && <Level track={audio} />}
      <Problem problem={problem} />
      {(status === 'closed' || status === 'opening') && (
        <>
          <button type="button" disabled={status === 'opening'} onClick={() => void devices.open()}>
            {status === 'opening' ? 'Waiting for the browser…' : 'Check camera and microphone'}
          </button>
          <p class="muted">
            {hasDevices()
              ? 'The browser asks you first. You can also enter without.'
              : 'This page was loaded over plain http, where browsers give no camera. You can chat and watch.'}
          </p>
        </>
      )}
      {problem && (
        <button type="button" onClick={() => void devices.open()}>
          Try again
        </button>
      )}
      {microphones.length > 1 && (
        <DeviceChoice
          id="microphone"
          label="Microphone"
          options={microphones}
          current={audio}
          onChoose={(id) => void devices.open({ audio: id, video: false })}
        />
      )}
      {cameras.length > 1 && (
        <DeviceChoice
          id="camera"
          label="Camera"
          options={cameras}
          current={video}
          onChoose={(id) => void devices.open({ audio: false, video: id })}
        />
      )}
      {isOpen && (
        <button
          type="button"
          class="link"
          onClick={() => {
            devices.close();
          }}
        >
          Enter without them
        </button>
      )}
      {isSecond && (
        <p class="hint">
          <Icon name="soundOff" />
          <span>
            Another window of this browser shows this page, so this one starts with its speakers off: they would howl.
          </span>
        </p>
      )}
    </section>
  );
}

function DeviceChoice({
  id,
  label,
  options,
  current,
  onChoose,
}: {
  id: string;
  label: string;
  options: readonly MediaDeviceInfo[];
  current: MediaStreamTrack | undefined;
  onChoose: (id: string) => void;
}) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={current?.getSettings().deviceId}
        onChange={(event) => {
          onChoose(event.currentTarget.value);
        }}
      >
        {options.map((device) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** How loud the microphone is. */
function Level({ track }: { track: MediaStreamTrack }) {
  const meter = useRef<HTMLMeterElement>(null);
  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getByteTimeDomainData(samples);
      const peak = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample - 128)), 0);
      if (meter.current) meter.current.value = peak / 128;
    }, METER_INTERVAL_MS);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [track]);
  return (
    <div class="level">
      <label for="level">Microphone: say something</label>
      <meter id="level" ref={meter} min={0} max={1} value={0} />
    </div>
  );
}

const METER_INTERVAL_MS = 100;

"""Whatever happens, in whatever order: no obstacles in the frame of a fault, and a way back."""

from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.safety.faults import Fault
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.safety.supervisor import State, Supervisor

TIMEOUT_S = 1.0
GOOD = ()
FINDINGS = st.lists(st.sampled_from(Fault).map(Fault.found), max_size=3).map(tuple)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just('frame'), FINDINGS),
        st.tuples(st.just('frame'), st.just(GOOD)),
        st.tuples(st.just('wait'), st.floats(0, 3)),
        st.tuples(st.just('rest'), st.none()),
    ),
    max_size=40,
)


def faults_of(verdict):
    return tuple(finding.fault for finding in verdict.findings)


class World:
    def __init__(self, recovery_frames=3):
        self.now = 0.0
        self.received = 0
        settings = SafetySettings(recovery_frames=recovery_frames, image_timeout_s=TIMEOUT_S)
        self.supervisor = Supervisor(settings, 'no image on /image', lambda: self.now)

    def frame(self, findings=GOOD):
        self.received += 1
        self.supervisor.watch(self.received)
        return self.supervisor.judge(findings)

    def wait(self, seconds):
        self.now += seconds
        return self.supervisor.watch(self.received)

    def do(self, kind, value):
        if kind == 'frame':
            return self.frame(value)
        if kind == 'wait':
            return self.wait(value)
        return self.supervisor.rest()

    @property
    def state(self):
        return self.supervisor.state


@given(EVENTS, st.integers(1, 6))
def test_obstacles_are_reported_only_in_good_frames_of_a_node_that_sees(events, recovery_frames):
    world = World(recovery_frames)
    in_a_row = recovery_frames  # the first frame needs no others
    for kind, value in events:
        spoken = world.do(kind, value)
        verdict = world.supervisor.verdict()
        if kind == 'frame':
            in_a_row = 0 if value else in_a_row + 1
            assert spoken == (in_a_row >= recovery_frames)
            assert spoken == (verdict.state is State.SEEING)
        elif kind == 'rest':
            in_a_row = recovery_frames
        elif spoken or (verdict.state is State.BLIND and Fault.NO_IMAGE in faults_of(verdict)):
            in_a_row = 0 if verdict.good_frames == 0 else in_a_row
        assert (verdict.state is State.BLIND) == bool(faults_of(verdict))
        assert len(verdict.problems) >= len(set(faults_of(verdict)))


@given(EVENTS, st.integers(1, 6))
def test_so_many_good_frames_end_any_blindness_and_fewer_do_not(events, recovery_frames):
    world = World(recovery_frames)
    for event in events:
        world.do(*event)
    world.frame([Fault.DARK.found()])
    spoken = [world.frame() for _ in range(recovery_frames + 2)]
    assert spoken == [False] * (recovery_frames - 1) + [True] * 3
    assert world.state is State.SEEING


def test_first_good_frame_is_reported():
    world = World()
    assert world.state is State.STARTING
    assert world.frame()


def test_missing_images_are_news_once_and_say_which():
    world = World()
    world.frame()
    assert [bool(world.wait(0.6)) for _ in range(4)] == [False, True, False, False]
    verdict = world.supervisor.verdict()
    assert faults_of(verdict) == (Fault.NO_IMAGE,)
    assert verdict.problems[0].startswith('no image on /image: publish')
    assert verdict.counts == {Fault.NO_IMAGE: 1}
    assert [world.frame() for _ in range(3)] == [False, False, True]


def test_images_that_never_came_are_missed_too():
    world = World()
    assert world.wait(1.1)
    assert world.state is State.BLIND


def test_verdict_has_the_newest_reason_and_whatever_else_happened_since_the_last_one():
    world = World()
    world.frame([Fault.DARK.found('dark as night')])
    world.frame([Fault.BLURRED.found(), Fault.STAMP_OLD.found()])
    world.frame()
    verdict = world.supervisor.verdict()
    assert (faults_of(verdict), verdict.good_frames) == ((Fault.BLURRED, Fault.STAMP_OLD), 1)
    assert [problem.split(':')[0] for problem in verdict.problems] == [
        'dark as night',
        Fault.BLURRED.what,
        Fault.STAMP_OLD.what,
    ]
    assert verdict.counts == {Fault.DARK: 1, Fault.BLURRED: 1, Fault.STAMP_OLD: 1}
    world.frame()
    world.frame()
    assert world.supervisor.verdict().problems == ()


def test_image_that_is_never_done_is_noticed_while_others_wait():
    world = World()
    world.received += 1
    assert not world.supervisor.watch(world.received, working_s=100.0)  # networks are being built
    world.frame()
    world.received += 1
    (finding,) = world.supervisor.watch(world.received, working_s=100.0)
    assert finding.fault == Fault.TOO_SLOW
    assert world.state is State.BLIND


def test_images_left_alone_make_the_node_idle_and_the_next_good_one_ends_that():
    world = World()
    world.frame([Fault.DARK.found()])
    world.supervisor.rest()
    assert world.state is State.IDLE
    assert world.frame()


def test_every_fault_has_a_name_a_meaning_and_a_remedy():
    assert len({fault.value for fault in Fault}) == len(Fault)
    for fault in Fault:
        sentence = fault.found('seen').sentence
        assert sentence == f'seen: {fault.remedy}'
        assert fault.what
        assert fault.remedy

// How many processors we may use: the affinity mask, and quotas of control groups.
#include "agent/config/environment.h"

#include <doctest/doctest.h>

#include "tests/support/config_rig.h"

using namespace pitot::agent;
using pitot::tests::ConfigDirectory;

TEST_CASE("usable processors") {
    const ConfigDirectory directory;
    const auto root = directory.path() / "cgroup";
    const auto membership = directory.path() / "membership";
    // No control groups at all.
    CHECK(usable_cpus(8, membership, root) == 8);
    CHECK(usable_cpus(0, membership, root) == 1);

    directory.write("membership", "12:cpu:/other\n0::/system.slice/pitot.service\n");
    CHECK(usable_cpus(8, membership, root) == 8);
    directory.write("cgroup/system.slice/pitot.service/cpu.max", "max 100000\n");
    CHECK(usable_cpus(8, membership, root) == 8);
    directory.write("cgroup/system.slice/pitot.service/cpu.max", "250000 100000\n");
    CHECK(usable_cpus(8, membership, root) == 3);
    CHECK(usable_cpus(2, membership, root) == 2);
    // A group above counts too.
    directory.write("cgroup/system.slice/cpu.max", "50000 100000\n");
    CHECK(usable_cpus(8, membership, root) == 1);
    directory.write("cgroup/system.slice/cpu.max", "nonsense\n");
    CHECK(usable_cpus(8, membership, root) == 3);

    // In a container our group is the root.
    directory.write("membership", "0::/\n");
    directory.write("cgroup/cpu.max", "200000 100000\n");
    CHECK(usable_cpus(8, membership, root) == 2);
}

TEST_CASE("this machine has an environment") {
    const Environment environment = system_environment();
    CHECK(environment.usable_cpus >= 1);
    CHECK(environment.variable("PATH").has_value());
    CHECK_FALSE(environment.variable("PITOT_NO_SUCH_VARIABLE").has_value());
}

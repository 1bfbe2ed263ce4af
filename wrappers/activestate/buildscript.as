at_time = "@TIMESTAMP@"
publish_receipt = pypi_publisher(
    attempt = @ATTEMPT@,
    audience = "@AUDIENCE@",
    pypi_uri = "@INDEX@",
    src = wheels
)
runtime = state_tool_artifacts(
    build_flags = [
    ],
    src = sources
)
sources = solve(
    at_time = at_time,
    platforms = [
        "@PLATFORM@"
    ],
    requirements = [
        Req(namespace = "language", name = "python", version = Eq(value = "@PYTHON@")),
        Req(namespace = "@NAMESPACE@", name = "@PACKAGE@", version = Eq(value = "@VERSION@"))
    ],
    solver_version = null
)
wheel_srcs = select_ingredient(
    namespace = "@NAMESPACE@",
    name = "@PACKAGE@",
    src = sources
)
wheels = make_wheel(
    at_time = at_time,
    python_version = "@PYTHON@",
    src = wheel_srcs
)

main = runtime

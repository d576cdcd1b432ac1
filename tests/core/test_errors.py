from tst.core.errors import UserError


def test_a_users_mistake_is_a_message_and_what_mends_it():
    error = UserError("no such file", ["fold=random5", "seed=1"])
    assert str(error) == "no such file"
    assert error.settings == ("fold=random5", "seed=1")
    assert UserError("x").settings == ()
    assert str(UserError()) == ""

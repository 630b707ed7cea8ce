"""Words whose last syllable is neutral, where pypinyin gives it a full tone.

Words of everyday use after the list of obligatory neutral tones of the Putonghua
proficiency test (普通话水平测试用必读轻声词语表) and Xiandai Hanyu Cidian. Left out:
words that mean something else with a full tone (地方, place or local; 精神, 大意),
and those that pypinyin reads so by itself (most that end in 子, 头, 们, 么). THCHS-30
writes these tones too: zhao4 gu5, yan3 jing5, ma2 fan5.
"""

WORDS = frozenset(
    """
    丈人 丈夫 上司 下巴 世故 东家 东西 主意 乡下 书记 买卖 事情 云彩 交情 亲戚 人家
    休息 伙计 使唤 兄弟 先生 关系 养活 冒失 冤枉 凉快 凑合 利索 利落 别扭 刺猬 力气
    动弹 动静 勤快 包袱 厉害 厚道 口袋 叫唤 吆喝 合同 名堂 名字 吓唬 吩咐 含糊 告诉
    和尚 唠叨 唾沫 商量 喇叭 喜欢 嘀咕 嘟囔 嘴巴 困难 在乎 壮实 大夫 头发 女婿 奴才
    妖精 妥当 妻子 姐夫 姑娘 委屈 娘家 婆家 媒人 媳妇 嫁妆 字号 学生 学问 官司 客气
    寡妇 对付 将就 小气 少爷 屁股 岁数 差事 巴掌 师傅 师父 帐篷 帮手 干事 庄稼 应酬
    弟兄 张罗 心思 忙活 快活 念叨 思量 怪物 戒指 扁担 扎实 打发 打听 打扮 打点 打算
    打量 扫帚 护士 招呼 招牌 拾掇 指甲 挑剔 挖苦 提防 收成 收拾 故事 早上 时候 明白
    晚上 月亮 月饼 朋友 木匠 本事 机灵 枇杷 架势 柴火 栅栏 核桃 棒槌 模糊 欺负 比方
    活泼 消息 清楚 溜达 漂亮 火候 灯笼 点心 烟筒 烧饼 热闹 照顾 爽快 牌楼 牲口 特务
    状元 狐狸 玻璃 琢磨 琵琶 甘蔗 生意 疏忽 疟疾 痢疾 白净 皇上 盘算 相声 眉毛 眨巴
    眯缝 眼睛 知识 石匠 石榴 码头 硬朗 祖宗 福气 秀才 秀气 秧歌 称呼 稀罕 稳当 窗户
    窟窿 笑话 答应 算计 篱笆 簸箕 粮食 糊涂 累赘 红火 结实 老婆 老实 老爷 耳朵 耷拉
    耽搁 耽误 胡琴 胭脂 胳膊 能耐 脊梁 脑袋 脾气 膏药 自在 舒坦 舒服 芝麻 苍蝇 苗条
    葡萄 蘑菇 蚂蚱 行当 行李 街坊 衙门 衣服 补丁 裁缝 见识 规矩 认识 记号 记性 豆腐
    财主 跳蚤 身份 转悠 运气 连累 迷糊 道士 部分 铁匠 铺盖 门道 闺女 阔气 队伍 难为
    风筝 首饰 马虎 骆驼 高粱 麻利 麻烦 这儿 那儿 哪儿
    """.split()
)
# Longer words that end like one of these, and keep the tone.
FULL = frozenset("大学生 中学生 小学生 中小学生 留学生 士大夫 御史大夫 大丈夫".split())

# Said twice, the second time lightly. Not every pair: 天天, 人人 keep their tones.
DOUBLED = frozenset("爸妈哥姐弟妹爷奶叔舅姑姥婆公太娃星猩谢宝伯婶")


def ends_lightly(word):
    """Whether the last syllable of a word is neutral.

    Example:
        >>> ends_lightly("小朋友"), ends_lightly("妈妈"), ends_lightly("天天")
        (True, True, False)
    """
    if len(word) < 2 or word in FULL:
        return False
    return word[-2:] in WORDS or (word[-1] == word[-2] and word[-1] in DOUBLED)
